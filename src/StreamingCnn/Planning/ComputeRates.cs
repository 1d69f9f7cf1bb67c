namespace StreamingCnn.Planning;

/// <summary>
/// How fast a machine is at the few things that a step consists of. Absolute values differ from machine to machine; plans are compared with each other, for which their
/// ratios count. Measured on two x86-64 cores with AVX-512.
/// </summary>
internal sealed record ComputeRates
{
    /// <summary>Multiplications and additions per second of a convolution's forward pass.</summary>
    public double Forward { get; init; } = 170e9;

    /// <summary>The same of its backward pass, which has twice as many.</summary>
    public double Backward { get; init; } = 150e9;

    /// <summary>Bytes per second that pointwise layers and copies read and write.</summary>
    public double Bandwidth { get; init; } = 6e9;

    /// <summary>Bytes per second of weights that are rearranged for a rectangle, and of their gradients that are summed.</summary>
    public double Weights { get; init; } = 4e9;

    /// <summary>Bytes per second of fresh memory that the kernel must clear: what a whole image's step takes for every large tensor.</summary>
    public double Fresh { get; init; } = 2.5e9;

    /// <summary>Seconds that a layer takes however small its rectangle is.</summary>
    public double Call { get; init; } = 60e-6;

    /// <summary>Largest tensor that the C library takes from its heap; larger ones are mapped anew each time.</summary>
    public const long LargestInHeap = 32 << 20;
}
