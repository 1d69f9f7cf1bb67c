using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>Compares windows of an image with the whole: what a geometry says that a window gives must be what the image gives.</summary>
/// <param name="module">The module.</param>
/// <param name="rows">Its geometry along the rows.</param>
/// <param name="columns">Its geometry along the columns.</param>
internal sealed class WindowTrial(ProbedModule module, WindowGeometry rows, WindowGeometry columns)
{
    private readonly Parameter[] parameters = AutogradRecord.Learning(module.Module.parameters());

    /// <summary>Whether windows give the values of the whole.</summary>
    public bool ValuesAgree(Tensor image, params ReadOnlySpan<Region> windows)
    {
        using var scope = NewDisposeScope();
        var whole = module.Run(image);
        if (!HasSize(whole, image))
            return false;
        foreach (var window in windows)
        {
            using var inner = NewDisposeScope();
            var pixels = image.Part(window.Rows.Start, window.Columns.Start, window.Rows.Length, window.Columns.Length);
            var part = module.Run(pixels);
            if (!HasSize(part, pixels) || part.shape[1] != whole.shape[1] || part.dtype != whole.dtype)
                return false;
            if (Compared(whole, part, image, window) is not var (expected, found))
                return false;
            // Some ways to compute a convolution round by the largest value around.
            if (!Rounding.Agrees(found, expected, Rounding.Scale(expected).Plus(Rounding.Scale(whole).Times(Epsilon(whole.dtype)))))
                return false;
        }

        return true;
    }

    /// <summary>
    /// Whether a window gives the whole's gradients, of parameters and of the image, for the gradient of an output that only the window's
    /// own positions have.
    /// </summary>
    public bool GradientsAgree(Tensor image, Region window)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        var pixels = image.Part(window.Rows.Start, window.Columns.Start, window.Rows.Length, window.Columns.Length);
        var (ofImage, ofPixels) = (image.detach().clone().requires_grad_(true), pixels.detach().clone().requires_grad_(true));
        var (whole, part) = (module.Run(ofImage), module.Run(ofPixels));
        if (whole.requires_grad != part.requires_grad)
            return false;
        if (!whole.requires_grad)
            return true;
        if (!HasSize(whole, image) || !HasSize(part, pixels) || Compared(whole, part, image, window) is not var (expected, found))
            return false;
        var gradient = module.Like(expected);
        var fromWhole = Backward(scope, expected, gradient, ofImage);
        var fromPart = Backward(scope, found, gradient, ofPixels);
        if (fromPart[^1] is { } own)
        {
            // Outside of the window, nothing may have a gradient.
            var embedded = zeros_like(image);
            embedded.Part(window.Rows.Start, window.Columns.Start, window.Rows.Length, window.Columns.Length).copy_(own);
            fromPart[^1] = embedded;
        }

        var norm = fromWhole.Sum(Rounding.Norm);
        // A module of positive values alone, a logarithm, has none to compare where others are about.
        if (!double.IsFinite(norm))
            return true;
        var least = Rounding.Negligible(image.dtype, norm);
        return fromWhole.Zip(fromPart).All(pair => Rounding.GradientsAgree(pair.Second, pair.First, least));
    }

    /// <summary>The gradients of the parameters, and last that of the image.</summary>
    private Tensor?[] Backward(DisposeScope scope, Tensor output, Tensor gradient, Tensor leaf)
    {
        using var sums = new ParameterGradients();
        try
        {
            var ofImage = AutogradRecord.Backpropagate(output, gradient, [leaf], parameters, sums)[0];
            Tensor?[] all = [.. parameters.Select(parameter => sums.Take(parameter, zeroIfMissing: false)), ofImage];
            scope.Attach(all.OfType<Tensor>());
            return all;
        }
        catch (Exception failure)
        {
            throw new ProbeException($"cannot be run backwards, as it is on trial: \"{ProbedModule.FirstLine(failure)}\"", failure);
        }
    }

    private (Tensor Expected, Tensor Found)? Compared(Tensor whole, Tensor part, Tensor image, Region window)
    {
        var unchanged = new Region(rows.Unchanged(window.Rows, image.shape[2]), columns.Unchanged(window.Columns, image.shape[3]));
        if (unchanged.IsEmpty)
            return null;
        var (down, right) = (rows.FirstOutput(window.Rows), columns.FirstOutput(window.Columns));
        return (
            whole.Part(unchanged.Rows.Start, unchanged.Columns.Start, unchanged.Rows.Length, unchanged.Columns.Length),
            part.Part(unchanged.Rows.Start - down, unchanged.Columns.Start - right, unchanged.Rows.Length, unchanged.Columns.Length));
    }

    private bool HasSize(Tensor map, Tensor image) =>
        map.shape[2] == rows.OutputLength(image.shape[2]) && map.shape[3] == columns.OutputLength(image.shape[3]);

    private static double Epsilon(ScalarType type) => type == ScalarType.Float64 ? 0 : type == ScalarType.Float32 ? 1e-3 : 0.1;
}
