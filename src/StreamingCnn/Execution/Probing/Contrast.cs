using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>
/// Images whose pixels in a window are of another kind than those around it. A term of the whole image that shows itself beyond a threshold
/// alone is then the whole's and not the window's, or the other way round; values of several sizes reach thresholds within the module, and
/// make its biases count for much or for nothing.
/// </summary>
internal static class Contrast
{
    private static readonly (Func<ProbedModule, long, long, Tensor> Near, Func<ProbedModule, long, long, Tensor> Far)[] Kinds =
    [
        (Normal, Normal),
        (Normal, (m, h, w) => m.Uniform(h, w).Times(m.Large)),
        ((m, h, w) => m.Uniform(h, w), (m, h, w) => m.Uniform(h, w).Times(-m.Large)),
        ((m, h, w) => m.Normal(h, w).Times(1e3), (m, h, w) => m.Normal(h, w).Times(1e-3)),
        (Positive, Negative),
        (Normal, (m, h, w) => m.Normal(h, w).Times(m.Large)),
        ((m, h, w) => m.Normal(h, w).Times(1e-3), (m, h, w) => m.Normal(h, w).Times(30.0)),
        (Negative, Positive),
        (Normal, (m, h, w) => zeros_like(m.Normal(h, w))),
        ((m, h, w) => m.Normal(h, w).Plus(10.0), Normal),
        ((m, h, w) => m.Uniform(h, w), Spike),
        ((m, h, w) => m.Normal(h, w).Plus(-10.0), Normal),
        ((m, h, w) => zeros_like(m.Normal(h, w)), (m, h, w) => m.Normal(h, w).Times(10.0)),
        ((m, h, w) => m.Uniform(h, w).Times(255.0), (m, h, w) => m.Normal(h, w).Filled(255)),
        ((m, h, w) => m.Normal(h, w).Times(30.0), (m, h, w) => m.Uniform(h, w)),
        ((m, h, w) => m.Normal(h, w).Times(1e-2).Plus(0.5), (m, h, w) => m.Normal(h, w).Times(1e-2).Plus(-0.5)),
        ((m, h, w) => m.Uniform(h, w).Plus(1.0), (m, h, w) => m.Uniform(h, w).Plus(0.1)),
    ];

    /// <summary>Number of kinds.</summary>
    public static int Count => Kinds.Length;

    /// <summary>An image of the kind with this index.</summary>
    public static Tensor Image(ProbedModule module, int kind, long height, long width, Region window)
    {
        var (near, far) = Kinds[kind];
        var image = far(module, height, width);
        var (tall, wide) = (window.Rows.Length, window.Columns.Length);
        image.Part(window.Rows.Start, window.Columns.Start, tall, wide).copy_(near(module, tall, wide));
        return image;
    }

    private static Tensor Normal(ProbedModule module, long height, long width) => module.Normal(height, width);

    private static Tensor Positive(ProbedModule module, long height, long width) => module.Normal(height, width).abs().Plus(0.1);

    private static Tensor Negative(ProbedModule module, long height, long width) => -Positive(module, height, width);

    /// <summary>Single pixels stand out: at the corners, so that one of them is out of any window that is cut.</summary>
    private static Tensor Spike(ProbedModule module, long height, long width)
    {
        var image = module.Uniform(height, width);
        foreach (var (row, column) in new[] { (0L, 0L), (height - 1, width - 1) })
            image.Part(row, column, 1, 1).Filled(module.Large);
        return image;
    }
}
