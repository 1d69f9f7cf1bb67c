using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>What is to be done for a seam in the background.</summary>
internal enum SeamErrand
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Reading it from the shelf.</summary>
    Read,

    /// <summary>Writing it to the shelf.</summary>
    Write,
}

/// <summary>A seam that may be at hand, on the shelf, on the way between them, or both.</summary>
/// <param name="seam">Which one.</param>
/// <param name="bytes">Bytes of its values.</param>
internal sealed class RestingSeam(SeamKey seam, long bytes)
{
    /// <summary>Which one.</summary>
    public SeamKey Seam { get; } = seam;

    /// <summary>Bytes of its values.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Its values, where they are in memory.</summary>
    public Tensor? Values { get; set; }

    /// <summary>Whether it is wanted in memory.</summary>
    public bool IsAtHand { get; set; }

    /// <summary>Whether the shelf has it.</summary>
    public bool IsShelved { get; set; }

    /// <summary>Whether nobody wants it any more.</summary>
    public bool IsFreed { get; set; }

    /// <summary>What it is queued or being dealt with for.</summary>
    public SeamErrand Errand { get; set; }

    /// <summary>Whether it is just being dealt with.</summary>
    public bool IsBusy { get; set; }

    /// <summary>Lets go of the values in memory.</summary>
    public void Drop()
    {
        Values?.Dispose();
        Values = null;
    }
}
