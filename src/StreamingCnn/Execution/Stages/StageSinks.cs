using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>Hands a map to several sinks.</summary>
/// <param name="sinks">The sinks; none where nobody wants the map.</param>
internal sealed class SharedSink(IReadOnlyList<IMapSink> sinks) : IMapSink
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

/// <summary>Adds a map to a reduction on its way elsewhere.</summary>
/// <param name="sums">The reduction's sums.</param>
internal sealed class ReductionTap(ReductionRun sums) : IMapSink
{
    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width)
    {
    }

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values) => sums.Add([values], top, left);
}
