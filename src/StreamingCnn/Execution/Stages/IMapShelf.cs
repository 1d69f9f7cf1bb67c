using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>Where maps wait that a later stage reads, and their gradients in the backward pass.</summary>
/// <remarks>One thread calls it and its maps. Maps are disposed before it.</remarks>
internal interface IMapShelf : IDisposable
{
    /// <summary>Bytes of memory held at present: of the maps themselves, or of what is on its way to them and from them.</summary>
    long Bytes { get; }

    /// <summary>The most bytes of memory held so far.</summary>
    long PeakBytes { get; }

    /// <summary>The most bytes of maps that were elsewhere at a time; 0 where they are in the memory of the device.</summary>
    long PeakBytesElsewhere { get; }

    /// <summary>
    /// Whether parts may be added to its maps in any number, at any position. Elsewhere every part would be read and written once more.
    /// </summary>
    bool TakesParts { get; }

    /// <summary>Makes room for a map. It belongs to the caller.</summary>
    /// <param name="shape">Its size.</param>
    /// <param name="type">
    /// The type in which its values are kept. Sums over several stages are rounded to it with every one of them: float32 at least.
    /// </param>
    StoredMap New(MapShape shape, ScalarType type);
}
