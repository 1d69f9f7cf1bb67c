using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// A place that is slower or further away than the device's memory, for seams that no tile needs at present. One may be removed while
/// another is written or read.
/// </summary>
internal interface ISeamShelf : IDisposable
{
    /// <summary>Copies a seam's values. Each seam comes once.</summary>
    void Write(in SeamKey seam, Tensor values);

    /// <summary>A copy of a seam's values on the device of the computation, in no scope.</summary>
    Tensor Read(in SeamKey seam);

    /// <summary>Makes room again.</summary>
    void Remove(in SeamKey seam);
}
