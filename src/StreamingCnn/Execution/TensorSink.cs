using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>An output map as a whole tensor.</summary>
internal sealed class TensorSink : IMapSink, IDisposable
{
    private long[] shape = [];
    private Tensor? map;

    /// <summary>Runs forwards into whole tensors.</summary>
    /// <returns>The outputs, [N, C, H, W] each, in the caller's scope.</returns>
    public static Tensor[] Run(IDifferentiableRun run, IProgress<TileProgress>? progress)
    {
        var sinks = Enumerable.Range(0, run.Outputs).Select(_ => new TensorSink()).ToArray();
        try
        {
            run.Forward(sinks, progress);
            return [.. sinks.Select((sink, output) => run.Small(output) ?? sink.Take())];
        }
        catch
        {
            foreach (var sink in sinks)
                sink.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width) => shape = [batch, channels, height, width];

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values)
    {
        if (map is null)
        {
            using (TensorHeap.Lasting())
                map = empty(shape, dtype: values.dtype, device: values.device).DetachFromDisposeScope();
        }

        using var place = map.Part(top, left, values.shape[2], values.shape[3]);
        place.copy_(values);
    }

    /// <inheritdoc/>
    public void Dispose() => map?.Dispose();

    /// <summary>The map, in the caller's scope.</summary>
    public Tensor Take()
    {
        CurrentDisposeScope?.Attach(map!);
        return map!;
    }
}
