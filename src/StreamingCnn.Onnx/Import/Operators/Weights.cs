using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Copies values of the file into modules.</summary>
internal static class Weights
{
    /// <summary>Copies values; shapes must agree up to dimensions of 1.</summary>
    /// <param name="target">A parameter or buffer; null where there is none.</param>
    /// <param name="source">The values; null where there are none.</param>
    public static void Fill(Tensor? target, ConstantValue? source)
    {
        if (target is null || source is null)
            return;
        using var scope = NewDisposeScope();
        using var values = source.Tensor.ToTensor();
        Fill(target, values, source.Name);
    }

    /// <inheritdoc cref="Fill(Tensor?, ConstantValue?)"/>
    public static void Fill(Tensor target, Tensor values, string name)
    {
        using var grad = no_grad();
        if (values.numel() != target.numel())
        {
            throw new RefusedNodeException(
                $"has {values.numel()} values in '{name}', but needs {target.numel()}, of the shape [{string.Join(", ", target.shape)}]");
        }

        target.copy_(values.reshape(target.shape));
    }

    /// <summary>
    /// Whether values of the file are trained: those of layers are. A single number is where its name is one that a person gave it, and
    /// not one that an exporter made.
    /// </summary>
    public static bool AreTrained(ConstantValue value) => value.Learns
        && value.Tensor.IsFloating
        && (value.Tensor.Count > 1 || IsGivenByPeople(value.Name));

    private static bool IsGivenByPeople(string name) =>
        name.Length > 0
        && !name.Contains("::", StringComparison.Ordinal)
        && !name.Contains("const", StringComparison.OrdinalIgnoreCase)
        && !name.TrimEnd('\'').All(char.IsAsciiDigit);
}
