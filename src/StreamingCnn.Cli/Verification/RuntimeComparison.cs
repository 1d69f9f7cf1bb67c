using System.Globalization;
using StreamingCnn.Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Verification;

/// <summary>
/// What ONNX Runtime makes of an imported network's nodes, against what the import makes of them, in float32 on the whole image.
/// </summary>
/// <param name="Text">The outcome in words.</param>
/// <param name="Agrees">Whether they agree, or there is nothing to compare with.</param>
internal sealed record RuntimeComparison(string Text, bool Agrees)
{
    private const double Tolerance = 1e-4;

    /// <summary>Compares on a random image.</summary>
    /// <param name="trunk">The network as it was read.</param>
    /// <param name="height">Height of the image.</param>
    /// <param name="width">Width of the image.</param>
    /// <param name="variable">The value of a variable of the environment; null where there is none.</param>
    public static RuntimeComparison Of(OnnxTrunk trunk, long height, long width, Func<string, string?> variable)
    {
        if (OnnxRuntime.Find(variable) is not { } runtime)
        {
            return new(
                $"ONNX Runtime is not installed here, so what it makes of the file is not compared; name its library in {OnnxRuntime.LibraryVariable}.", true);
        }

        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var image = randn(1, trunk.Channels, height, width);
        try
        {
            return Judged(runtime, trunk.forward(image), runtime.Run(Content(trunk), image));
        }
        catch (Exception reason) when (reason is InvalidOperationException or NotSupportedException)
        {
            return new($"{reason.Message.TrimEnd('.')}; so its output is not compared.", true);
        }
    }

    /// <summary>How far two outputs are apart.</summary>
    internal static RuntimeComparison Judged(OnnxRuntime runtime, Tensor ours, Tensor theirs)
    {
        if (!ours.shape.SequenceEqual(theirs.shape))
        {
            return new(
                $"ONNX Runtime {runtime.Version} on the whole image: gives [{string.Join(", ", theirs.shape)}] where the import gives [{string.Join(", ", ours.shape)}].",
                false);
        }

        var (apart, largest) = ((ours - theirs).abs().max().item<float>(), theirs.abs().max().item<float>());
        var difference = apart == 0 ? 0 : apart / (double)largest;
        // Not a number is not a pass.
        return new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"ONNX Runtime {runtime.Version} on the whole image: largest difference {difference:0.0e0} of the largest entry; to pass: {Tolerance:0e0}."),
            difference <= Tolerance);
    }

    /// <summary>The file's nodes up to the trunk's output, for images of any size.</summary>
    private static byte[] Content(OnnxTrunk trunk)
    {
        var folder = Directory.CreateTempSubdirectory("scnn");
        try
        {
            var file = Path.Combine(folder.FullName, "trunk.onnx");
            trunk.Save(file);
            return File.ReadAllBytes(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
