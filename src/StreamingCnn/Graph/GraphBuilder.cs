using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>Traces trunks into networks: to be streamed, or as the forward of their own on whole images.</summary>
internal static class GraphBuilder
{
    /// <summary>Traces a trunk, to be streamed, for an image with the given number of channels.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static TracedNetwork Trace(Module<Tensor, Tensor> trunk, long channels, bool frozenBatchNorm = false)
    {
        var builder = new Tracing(trunk, frozenBatchNorm, isWhole: false);
        return builder.Network([builder.Through(trunk, builder.Source(channels))]);
    }

    /// <inheritdoc cref="Trace(Module{Tensor, Tensor}, long, bool)"/>
    public static TracedNetwork Trace(MultiOutputBlock trunk, long channels, bool frozenBatchNorm = false) =>
        new Tracing(trunk, frozenBatchNorm, isWhole: false).Outputs(builder => trunk.Trace(builder.Source(channels)));

    /// <summary>Traces a trunk, to be streamed, for inputs with the given numbers of channels.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static TracedNetwork Trace(MultiInputBlock trunk, IReadOnlyList<long> channels, bool frozenBatchNorm = false) =>
        new Tracing(trunk, frozenBatchNorm, isWhole: false).Outputs(builder => trunk.Trace(builder.Sources(channels)));

    /// <summary>Traces a trunk and the loss of its map, to be streamed: of the image, the target, and the mask if there is one.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or the map does not fit the target.</exception>
    public static TracedNetwork Trace(
        Module<Tensor, Tensor> trunk, MapLoss loss, IReadOnlyList<long> channels, bool frozenBatchNorm = false)
    {
        var builder = new Tracing(trunk, frozenBatchNorm, isWhole: false);
        var sources = builder.Sources(channels);
        return builder.Network([builder.Loss(loss, builder.Map(trunk, builder.Through(trunk, sources[0])), sources)]);
    }

    /// <summary>Traces a block's own forward.</summary>
    /// <exception cref="UnsupportedLayerException">The engine does not know a layer.</exception>
    public static TracedNetwork TraceForward(StreamingBlock block, long channels)
    {
        var builder = new Tracing(block, frozenBatchNorm: false, isWhole: true);
        return builder.Network([builder.Inside(block, builder.Source(channels))]);
    }

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(StreamingHead head, long channels)
    {
        var builder = new Tracing(head, frozenBatchNorm: false, isWhole: true);
        return builder.Network([builder.Inside(head, builder.Source(channels))]);
    }

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(MultiOutputBlock block, long channels) =>
        new Tracing(block, frozenBatchNorm: false, isWhole: true).Outputs(builder => block.Trace(builder.Source(channels)));

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(MultiInputBlock block, IReadOnlyList<long> channels) =>
        new Tracing(block, frozenBatchNorm: false, isWhole: true).Outputs(builder => block.Trace(builder.Sources(channels)));

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(MapLoss loss, IReadOnlyList<long> channels)
    {
        var builder = new Tracing(loss, frozenBatchNorm: false, isWhole: true);
        var sources = builder.Sources(channels);
        return builder.Network([builder.Loss(loss, sources[0], sources)]);
    }
}
