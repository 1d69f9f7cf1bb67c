using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>Multiplications and additions per second.</summary>
/// <param name="Forward">In the forward pass.</param>
/// <param name="Backward">In the backward pass, which has twice as many.</param>
internal readonly record struct WorkRate(double Forward, double Backward);

/// <summary>
/// How fast a machine is at the few things that a step consists of. The values here are of two x86-64 cores with AVX-512.
/// </summary>
internal sealed record ComputeRates
{
    /// <summary>Of each kind of arithmetic.</summary>
    public IReadOnlyDictionary<WorkKind, WorkRate> Work { get; init; } = new Dictionary<WorkKind, WorkRate>
    {
        [WorkKind.Convolution] = new(220e9, 200e9),
        [WorkKind.ImageConvolution] = new(190e9, 130e9),
        [WorkKind.GroupedConvolution] = new(130e9, 20e9),
        [WorkKind.PerPixel] = new(190e9, 170e9),
    };

    /// <summary>Values per second that a pooling layer compares.</summary>
    public double Comparisons { get; init; } = 8e9;

    /// <summary>Bytes per second that pointwise layers and copies read and write.</summary>
    public double Bandwidth { get; init; } = 60e9;

    /// <summary>Bytes per second of weights that are rearranged for a rectangle, and of their gradients that are summed.</summary>
    public double Weights { get; init; } = 8e9;

    /// <summary>
    /// Bytes per second of fresh memory that the kernel must clear: what a whole image's step takes for every large tensor.
    /// </summary>
    public double Fresh { get; init; } = 1e9;

    /// <summary>Seconds that a layer takes however small its rectangle is.</summary>
    public double Call { get; init; } = 60e-6;

    /// <summary>Largest tensor that the C library takes from its heap; larger ones are mapped anew each time.</summary>
    public const long LargestInHeap = 32 << 20;
}
