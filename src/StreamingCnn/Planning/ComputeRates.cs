namespace StreamingCnn.Planning;

/// <summary>How fast a machine is at the few things that a step consists of. The values here are of two x86-64 cores with AVX-512.</summary>
internal sealed record ComputeRates
{
    /// <summary>Multiplications and additions per second of a convolution's forward pass.</summary>
    public double Forward { get; init; } = 280e9;

    /// <summary>The same of its backward pass, which has twice as many.</summary>
    public double Backward { get; init; } = 250e9;

    /// <summary>Multiplications and additions per second of a convolution in which each channel sees few others, forwards.</summary>
    public double GroupedForward { get; init; } = 60e9;

    /// <summary>The same backwards.</summary>
    public double GroupedBackward { get; init; } = 20e9;

    /// <summary>Values per second that a pooling layer compares.</summary>
    public double Comparisons { get; init; } = 0.45e9;

    /// <summary>Bytes per second that pointwise layers and copies read and write.</summary>
    public double Bandwidth { get; init; } = 60e9;

    /// <summary>Bytes per second of weights that are rearranged for a rectangle, and of their gradients that are summed.</summary>
    public double Weights { get; init; } = 8e9;

    /// <summary>Bytes per second of fresh memory that the kernel must clear: what a whole image's step takes for every large tensor.</summary>
    public double Fresh { get; init; } = 1e9;

    /// <summary>Seconds that a layer takes however small its rectangle is.</summary>
    public double Call { get; init; } = 60e-6;

    /// <summary>Largest tensor that the C library takes from its heap; larger ones are mapped anew each time.</summary>
    public const long LargestInHeap = 32 << 20;
}
