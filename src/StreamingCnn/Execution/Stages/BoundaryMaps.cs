using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>The maps of a run that wait between its stages, and their gradients, on a shelf.</summary>
/// <param name="shelf">The shelf; it belongs to the maps.</param>
/// <param name="maps">Number of maps of the network.</param>
/// <param name="mapType">Type in which they are computed, and wait.</param>
/// <param name="type">Type of the computation, in which gradients add up.</param>
/// <param name="device">Device of the computation.</param>
/// <param name="format">In which order the values of maps lie in memory.</param>
internal sealed class BoundaryMaps(
    IMapShelf shelf, int maps, ScalarType mapType, ScalarType type, Device device, MapFormat format)
    : IDisposable
{
    private readonly StoredMap?[] values = new StoredMap?[maps];
    private readonly StoredMap?[] gradients = new StoredMap?[maps];
    private readonly MapShape[] shapes = new MapShape[maps];

    // Of maps of which a stripe is held, its columns; null for whole maps.
    private readonly Interval?[] stripes = new Interval?[maps];

    /// <summary>The shelf.</summary>
    public IMapShelf Shelf => shelf;

    /// <summary>Whether a map waits.</summary>
    public bool Has(int map) => values[map] is not null;

    /// <summary>Makes room for a map, which a stage writes next.</summary>
    /// <param name="map">The map.</param>
    /// <param name="shape">Its size.</param>
    /// <param name="columns">The columns that are held, where others hold the rest; null for all.</param>
    public IMapSink Begin(int map, MapShape shape, Interval? columns = null)
    {
        (shapes[map], stripes[map]) = (columns is { } stripe ? shape with { Width = stripe.Length } : shape, columns);
        var stored = values[map] = shelf.New(shapes[map], mapType);
        return columns is { } some ? new ColumnsSink(stored, some) : stored;
    }

    /// <summary>Writes a rectangle that another process has made.</summary>
    public void Write(int map, long top, long left, Tensor rectangle) => values[map]!.Write(top, left - Left(map), rectangle);

    /// <summary>A map has been written.</summary>
    public void Complete(int map) => values[map]!.Complete();

    /// <summary>A map that waits, as it was written.</summary>
    public MapSource Values(int map) => new StoredMapSource(values[map]!, type, device) { Left = Left(map) };

    /// <summary>A map that waits, as a stage's source.</summary>
    /// <param name="map">The map.</param>
    /// <param name="gradientIsWanted">Whether its gradient is.</param>
    /// <param name="isReached">Whether the stage that runs backwards has a gradient of it at all.</param>
    public MapSource Source(int map, bool gradientIsWanted, Func<bool> isReached)
    {
        var takesParts = shelf.TakesParts;
        return new StoredMapSource(values[map]!, type, device)
        {
            Left = Left(map),
            Columns = stripes[map] ?? new Interval(0, shapes[map].Width),
            GradientIsWanted = gradientIsWanted,
            GradientFormat = format,
            GradientParts = takesParts ? (region, part) => AddPart(map, region, part, isReached()) : null,
            GradientRows = takesParts ? null : (top, rows) => AddRows(map, top, rows, isReached()),
        };
    }

    /// <summary>Makes room for the gradient of a map that does not wait itself.</summary>
    public void Expect(int map, MapShape shape) => shapes[map] = shape;

    /// <summary>Adds rows to a map's gradient.</summary>
    public void AddRows(int map, long top, Tensor rows, bool isReached)
    {
        if (isReached)
            Gradient(map).AddRows(top, rows);
    }

    /// <summary>A map's gradient, to which nothing is added any more; null where nothing was.</summary>
    public MapSource? TakeGradient(int map)
    {
        if (gradients[map] is not { } gradient)
            return null;
        gradient.Complete();
        return new StoredMapSource(gradient, type, device) { Left = Left(map) };
    }

    /// <summary>Frees the room of maps and of their gradients.</summary>
    public void Forget(Func<int, bool> isDone)
    {
        for (var map = 0; map < values.Length; map++)
        {
            if (!isDone(map))
                continue;
            values[map]?.Dispose();
            gradients[map]?.Dispose();
            (values[map], gradients[map]) = (null, null);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget(_ => true);
        shelf.Dispose();
    }

    private void AddPart(int map, Region region, Tensor part, bool isReached)
    {
        if (!isReached)
            return;
        var (left, right) = (region.Columns.Start - Left(map), region.Columns.End - Left(map));
        Gradient(map).AddPart(region with { Columns = new(left, right) }, part);
    }

    private long Left(int map) => stripes[map]?.Start ?? 0;

    private StoredMap Gradient(int map) => gradients[map] ??= shelf.New(shapes[map], type);
}
