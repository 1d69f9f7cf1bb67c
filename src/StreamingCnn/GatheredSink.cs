using StreamingCnn.Distributed;
using StreamingCnn.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>
/// Gives one sink the whole map of an image that several processes share, where a sink of each process's own gets its stripe alone. What a
/// process's tiles make waits in a temporary file of its own; when all are done, the sink of rank 0 gets the rectangles of all, row by row
/// of tiles and from left to right, as one process writes them.
/// </summary>
/// <example>
/// <code>
/// using var gathered = new GatheredSink(ranks, ranks.Rank == 0 ? sink : null);
/// streaming.Run(image, gathered);
/// gathered.Complete();
/// </code>
/// </example>
public sealed class GatheredSink : IMapSink, IDisposable
{
    // Far from those that a program is likely to send besides.
    private const int Tag = 30_101;

    private readonly ICommunicator ranks;
    private readonly IMapSink? sink;
    private readonly string? folder;
    private readonly List<(long Top, long Left, TensorSlot Slot)> own = [];
    private long positions;
    private TensorFile? file;

    /// <summary>Creates the sink of one map.</summary>
    /// <param name="ranks">The processes of <see cref="StreamingOptions.SplitOver"/>. They stay the caller's.</param>
    /// <param name="sink">On rank 0 where the map goes; on all others not looked at. It stays the caller's.</param>
    /// <param name="folder">Folder of the temporary file; null for the system's.</param>
    /// <exception cref="ArgumentNullException">Rank 0 has no sink.</exception>
    public GatheredSink(ICommunicator ranks, IMapSink? sink, string? folder = null)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        if (ranks.Rank == 0)
            ArgumentNullException.ThrowIfNull(sink);
        (this.ranks, this.sink, this.folder) = (ranks, ranks.Rank == 0 ? sink : null, folder);
    }

    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width)
    {
        positions = batch * channels * height * width;
        sink?.Begin(batch, channels, height, width);
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        file ??= new("stripe of the map", folder, positions / ranks.Size * values.element_size());
        own.Add((top, left, file.Write(values)));
    }

    /// <summary>Gives the sink of rank 0 the map. All ranks call it once, behind their runs.</summary>
    /// <exception cref="IOException">The temporary file cannot be read.</exception>
    /// <exception cref="CommunicatorException">Another rank has failed.</exception>
    public void Complete()
    {
        foreach (var (rank, index, top, left, shape, type) in Rectangles())
        {
            using var scope = NewDisposeScope();
            if (rank == ranks.Rank)
            {
                using var values = file!.Read(own[index].Slot, CPU);
                var whole = values.contiguous();
                if (sink is null)
                    ranks.Send(MessageMemory.Of(whole), 0, Tag).Wait();
                else
                    sink.Write(top, left, whole);
            }
            else if (sink is not null)
            {
                var come = empty(shape, dtype: type, device: CPU);
                ranks.Receive(MessageMemory.Of(come), rank, Tag).Wait();
                sink.Write(top, left, come);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    /// <summary>
    /// The rectangles of all processes, each with its place among its process's, in the order in which the sink gets them: rows of tiles
    /// begin at the same rows in all stripes.
    /// </summary>
    private IEnumerable<(int Rank, int Index, long Top, long Left, long[] Shape, ScalarType Type)> Rectangles()
    {
        const int Numbers = 7;
        var counts = new double[ranks.Size];
        counts[ranks.Rank] = own.Count;
        ranks.Sum(counts.AsSpan());
        var all = new double[(int)counts.Sum() * Numbers];
        var place = (int)counts[..ranks.Rank].Sum() * Numbers;
        foreach (var (top, left, slot) in own)
        {
            double[] numbers = [top, left, .. slot.Shape.Select(length => (double)length), (int)slot.Type];
            numbers.CopyTo(all, place);
            place += Numbers;
        }

        ranks.Sum(all.AsSpan());
        return counts.SelectMany((count, rank) => Enumerable.Range(0, (int)count).Select(index => (Rank: rank, Index: index)))
            .Zip(all.Chunk(Numbers), (of, numbers) => (
                of.Rank,
                of.Index,
                Top: (long)numbers[0],
                Left: (long)numbers[1],
                Shape: Array.ConvertAll(numbers[2..^1], length => (long)length),
                Type: (ScalarType)(int)numbers[^1]))
            .OrderBy(rectangle => rectangle.Top).ThenBy(rectangle => rectangle.Left);
    }
}
