using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// A map that waits on a shelf: filled by one stage, or added up by several, and read by windows when it is complete.
/// </summary>
/// <remarks>A map is either written or added to.</remarks>
internal abstract class StoredMap : IMapSink, IDisposable
{
    /// <summary>What is stored or read at a time, where it need not be all at once.</summary>
    public const long BytesAtOnce = 4 << 20;

    // Of each row how many positions have come.
    private readonly long[] come;
    private bool isSum;
    private bool isComplete;

    /// <param name="shape">Size of the map.</param>
    /// <param name="type">Type of its values.</param>
    protected StoredMap(MapShape shape, ScalarType type)
    {
        (Shape, Type) = (shape, type);
        come = new long[shape.Height];
    }

    /// <summary>Size of the map.</summary>
    public MapShape Shape { get; }

    /// <summary>Type of its values.</summary>
    public ScalarType Type { get; }

    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width)
    {
        var given = new MapShape(batch, channels, height, width);
        if (given != Shape)
            throw new InvalidOperationException($"A map on the shelf is {Shape}, but {given} was to come.");
    }

    /// <summary>Writes a rectangle. Each position comes once; rectangles come in any order.</summary>
    /// <param name="top">First row.</param>
    /// <param name="left">First column.</param>
    /// <param name="values">The values [N, C, h, w], of any floating-point type and format; copied in the call.</param>
    public void Write(long top, long left, Tensor values)
    {
        var region = Place(top, left, values);
        if (isSum || !Come(region))
            throw new InvalidOperationException($"A map on the shelf gets each position once, but {region} came again.");
        Store(region, values, isFirst: true);
    }

    /// <summary>
    /// Adds to a rectangle. A stage adds to each position of the map once, in any order, and the stages come one after the other. The
    /// first to come finds zeros.
    /// </summary>
    /// <param name="top">First row.</param>
    /// <param name="left">First column.</param>
    /// <param name="values">What is added, [N, C, h, w]; used up in the call.</param>
    public void Add(long top, long left, Tensor values)
    {
        var region = Place(top, left, values);
        isSum = true;
        Store(region, values, isFirst: Come(region));
    }

    /// <summary>The same with whole rows.</summary>
    /// <param name="top">First row.</param>
    /// <param name="rows">What is added, [N, C, h, W].</param>
    public void AddRows(long top, Tensor rows) => Add(top, 0, rows);

    /// <summary>Adds to a rectangle, as often as one likes, on a shelf that takes parts.</summary>
    /// <param name="region">The rectangle.</param>
    /// <param name="values">What is added, [N, C, h, w].</param>
    public void AddPart(Region region, Tensor values)
    {
        var isFirst = !isSum;
        isSum = true;
        come.AsSpan().Fill(Shape.Width);
        StorePart(Place(region.Rows.Start, region.Columns.Start, values), values, isFirst);
    }

    /// <summary>All of it has been written or added. Rows to which nothing was added are zeros.</summary>
    public void Complete()
    {
        if (!isSum && come.AsSpan().ContainsAnyExcept(Shape.Width))
            throw new InvalidOperationException("A map on the shelf is to be complete, but not every position of it has come.");
        // A stage that gives rows gives them to the last column.
        if (come.AsSpan().ContainsAnyExcept(Shape.Width, 0))
            throw new InvalidOperationException("A map on the shelf has rows of which a part has come.");
        for (var row = 0; row < come.Length; row++)
        {
            var missing = come.AsSpan(row).IndexOfAnyExcept(0);
            var region = new Region(new(row, missing < 0 ? Shape.Height : row + missing), new(0, Shape.Width));
            if (region.IsEmpty)
                continue;
            using var scope = NewDisposeScope();
            Store(region, zeros(1, dtype: Type, device: CPU).expand(Shape.Of(region)), isFirst: true);
            row = (int)region.Rows.End - 1;
        }

        isComplete = true;
        Finish();
    }

    /// <summary>Reads a window of the complete map.</summary>
    /// <param name="region">The window.</param>
    /// <returns>
    /// The values [N, C, h, w], of the map's type, on the device that computes, in the caller's scope. They may be the map's own memory:
    /// nothing may change them.
    /// </returns>
    public Tensor Read(Region region)
    {
        Check(region);
        return Take(region);
    }

    /// <summary>Tells that a window of the complete map will soon be read, so that it can be fetched in the background.</summary>
    public void Prefetch(Region region)
    {
        Check(region);
        Ask(region);
    }

    /// <summary>Tells that no window will be read for a while: lets go of those that were fetched and not read.</summary>
    public abstract void Rest();

    /// <summary>Frees the map's room.</summary>
    public abstract void Dispose();

    /// <summary>Stores values, or adds them to those that are there.</summary>
    protected abstract void Store(Region region, Tensor values, bool isFirst);

    /// <summary>Adds a part; all of the map is zeros before the first.</summary>
    protected virtual void StorePart(Region region, Tensor values, bool isFirst) => throw new NotSupportedException();

    /// <summary>Everything has been stored.</summary>
    protected virtual void Finish()
    {
    }

    /// <summary>Asks for a window.</summary>
    protected abstract void Ask(Region region);

    /// <summary>Gets a window, whether asked for or not.</summary>
    protected abstract Tensor Take(Region region);

    private Region Place(long top, long left, Tensor values)
    {
        var shape = values.shape;
        var region = new Region(new(top, top + shape[2]), new(left, left + shape[3]));
        if (isComplete || top < 0 || left < 0 || !Shape.Whole.Contains(region) || !shape.AsSpan().SequenceEqual(Shape.Of(region)))
            throw new InvalidOperationException($"A map on the shelf {Shape} cannot take values [{string.Join(", ", shape)}] at {region}.");
        return region;
    }

    private void Check(Region region)
    {
        if (!isComplete || !Shape.Whole.Contains(region))
            throw new InvalidOperationException($"A map on the shelf {Shape} cannot be read at {region}, or not yet.");
    }

    /// <summary>Whether the positions come for the first time; false when all of them are there already.</summary>
    private bool Come(Region region)
    {
        var rows = come.AsSpan((int)region.Rows.Start, (int)region.Rows.Length);
        if (!rows.ContainsAnyExcept(Shape.Width))
            return region.IsEmpty;
        foreach (ref var positions in rows)
        {
            positions += region.Columns.Length;
            if (positions > Shape.Width)
                throw new InvalidOperationException($"A map on the shelf gets each position once, but parts of {region} came again.");
        }

        return true;
    }
}
