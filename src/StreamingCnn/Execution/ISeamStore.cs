using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Where what tiles leave for one another waits for its readers.</summary>
internal interface ISeamStore : IDisposable
{
    /// <summary>Whether all that is stored stays at hand, so that there is nothing to ask for and nothing to put away.</summary>
    bool HoldsAll { get; }

    /// <summary>Bytes at hand at present.</summary>
    long Bytes { get; }

    /// <summary>The most bytes at hand so far.</summary>
    long PeakBytes { get; }

    /// <summary>Takes a seam's values over, [N, C, h, w] on the device of the computation. Each seam comes once.</summary>
    void Put(in SeamKey seam, Tensor values);

    /// <summary>Whether a seam has come, and has not been freed.</summary>
    bool Has(in SeamKey seam);

    /// <summary>Asks for a seam that is wanted soon.</summary>
    void Prefetch(in SeamKey seam);

    /// <summary>
    /// A seam's values on the device of the computation, as often as they are wanted. They stay the store's, and are valid until the seam
    /// rests or is freed.
    /// </summary>
    Tensor Take(in SeamKey seam);

    /// <summary>Tells that a seam is not wanted for now.</summary>
    void Rest(in SeamKey seam);

    /// <summary>Frees a seam, if it is there.</summary>
    void Free(in SeamKey seam);
}
