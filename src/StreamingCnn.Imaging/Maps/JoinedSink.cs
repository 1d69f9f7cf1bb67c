using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>Hands each rectangle of a map to several sinks, one after the other. They stay the caller's.</summary>
/// <param name="sinks">The sinks.</param>
public sealed class JoinedSink(params IReadOnlyList<IMapSink> sinks) : IMapSink
{
    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width)
    {
        foreach (var sink in sinks)
            sink.Begin(batch, channels, height, width);
    }

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values)
    {
        foreach (var sink in sinks)
            sink.Write(top, left, values);
    }
}
