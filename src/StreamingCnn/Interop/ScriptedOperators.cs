using System.Collections.Concurrent;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>
/// Operators of libtorch that TorchSharp does not wrap, reached through TorchScript, which finds them on any device. The scripts are
/// made of constants and integers only, since a script that does not compile ends the process.
/// </summary>
internal static class ScriptedOperators
{
    private static readonly ConcurrentDictionary<string, jit.CompilationUnit> Units = new();

    /// <summary>Gradient of ReLU: <paramref name="gradient"/> where <paramref name="output"/> is above 0, else 0.</summary>
    public static Tensor ReluBackward(Tensor gradient, Tensor output) =>
        (Tensor)Unit("def run(g: Tensor, y: Tensor) -> Tensor:\n    return torch.threshold_backward(g, y, 0)\n\n")
            .invoke("run", gradient, output);

    /// <summary>ReLU into memory that is there.</summary>
    public static void ReluInto(Tensor input, Tensor output)
    {
        using var same = (Tensor)Unit("def run(x: Tensor, y: Tensor) -> Tensor:\n    return torch.clamp_min(x, 0, out=y)\n\n").invoke("run", input, output);
    }

    /// <summary>Gradients of a two-dimensional convolution; each is null unless wanted.</summary>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) ConvolutionBackward(
        Tensor gradient, Tensor input, Tensor weight, in ConvolutionArguments arguments, (bool Input, bool Weight, bool Bias) wanted)
    {
        string[] results = [.. new[] { wanted.Input ? "r[0]" : "", wanted.Weight ? "r[1]" : "", wanted.Bias ? "r[2]" : "" }.Where(r => r.Length > 0)];
        if (results.Length == 0)
            return (null, null, null);

        var type = results.Length == 1 ? "Tensor" : $"Tuple[{string.Join(", ", results.Select(_ => "Tensor"))}]";
        var script = string.Create(CultureInfo.InvariantCulture, $"""
            def run(g: Tensor, x: Tensor, w: Tensor) -> {type}:
                r = torch.convolution_backward(g, x, w, [w.size(0)], {arguments.Stride}, {arguments.Padding}, {arguments.Dilation}, False, [0, 0], {arguments.Groups}, [{Flag(wanted.Input)}, {Flag(wanted.Weight)}, {Flag(wanted.Bias)}])
                return {string.Join(", ", results)}


            """);
        var found = Unit(script).invoke("run", gradient, input, weight);
        var tensors = new Queue<Tensor>(found switch
        {
            Tensor one => [one],
            (Tensor first, Tensor second) => [first, second],
            (Tensor first, Tensor second, Tensor third) => [first, second, third],
            _ => throw new InvalidOperationException($"convolution_backward gave {found?.GetType().Name ?? "nothing"} where {type} was expected."),
        });
        return (wanted.Input ? tensors.Dequeue() : null, wanted.Weight ? tensors.Dequeue() : null, wanted.Bias ? tensors.Dequeue() : null);
    }

    /// <summary>
    /// Gradients of an output's operands, as return values: nothing is written to anybody's <c>.grad</c>, to which
    /// other threads may add meanwhile. TorchSharp's own <c>autograd.grad</c> ends the process where libtorch throws.
    /// </summary>
    /// <param name="output">What autograd has recorded; it must require a gradient.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="operands">Leaves, at least one.</param>
    /// <returns>For each operand its gradient, or null where the output does not hang on it.</returns>
    public static Tensor?[] Gradients(Tensor output, Tensor gradient, Tensor[] operands)
    {
        // None is told by a tensor without dimensions and one more dimension is taken off the others, since the list
        // that comes back holds tensors alone.
        var found = (Tensor[])Unit("""
            def run(y: Tensor, g: Tensor, xs: List[Tensor]) -> List[Tensor]:
                gs: List[Optional[Tensor]] = [g]
                found = torch.autograd.grad([y], xs, gs, None, False, True)
                result: List[Tensor] = []
                for one in found:
                    if one is None:
                        result.append(torch.zeros([]))
                    else:
                        result.append(one.unsqueeze(0))
                return result


            """).invoke("run", output, gradient, operands);
        return Array.ConvertAll(found, one =>
        {
            using (one)
                return one.Dimensions == 0 ? null : one.squeeze(0);
        });
    }

    private static jit.CompilationUnit Unit(string script) => Units.GetOrAdd(script, jit.compile);

    private static string Flag(bool value) => value ? "True" : "False";
}

/// <summary>The integers of a two-dimensional convolution, rows first.</summary>
internal readonly record struct ConvolutionArguments(Pair Stride, Pair Padding, Pair Dilation, long Groups);
