using StreamingCnn.Distributed;
using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>An output map as a whole tensor.</summary>
internal sealed class TensorSink : IMapSink, IDisposable
{
    private long[] shape = [];
    private Tensor? map;
    private Interval columns;

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
        Allocate(values.dtype, values.device);
        columns = columns.Hull(new(left, left + values.shape[3]));
        using var place = map!.Part(top, left, values.shape[2], values.shape[3]);
        place.copy_(values);
    }

    /// <summary>Of processes that have written a stripe each, from the first row to the last: gives all of them all stripes.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="type">The maps' type.</param>
    /// <param name="device">The device that computes.</param>
    public void Join(ICommunicator ranks, ScalarType type, Device device)
    {
        Allocate(type, device);
        var stripes = new double[2 * ranks.Size];
        (stripes[2 * ranks.Rank], stripes[(2 * ranks.Rank) + 1]) = (columns.Start, columns.End);
        ranks.Sum(stripes.AsSpan());
        for (var rank = 0; rank < ranks.Size; rank++)
        {
            var (start, end) = ((long)stripes[2 * rank], (long)stripes[(2 * rank) + 1]);
            if (end <= start || shape[0] * shape[1] * shape[2] == 0)
                continue;
            using var scope = NewDisposeScope();
            var stripe = map!.narrow(3, start, end - start);
            var message = empty(stripe.shape, type, CPU);
            if (rank == ranks.Rank)
                message.copy_(stripe);
            ranks.Broadcast(message, rank);
            if (rank != ranks.Rank)
                stripe.copy_(message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => map?.Dispose();

    /// <summary>The map, in the caller's scope.</summary>
    public Tensor Take()
    {
        CurrentDisposeScope?.Attach(map!);
        return map!;
    }

    private void Allocate(ScalarType type, Device device)
    {
        if (map is not null)
            return;
        using (TensorHeap.Lasting())
            map = empty(shape, dtype: type, device: device).DetachFromDisposeScope();
    }
}
