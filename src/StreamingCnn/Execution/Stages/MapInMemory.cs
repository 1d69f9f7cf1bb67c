using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>A map in the memory of the device that computes. It takes its memory when the first values come.</summary>
/// <param name="shelf">Counts its bytes.</param>
/// <param name="shape">Size of the map.</param>
/// <param name="type">Type of its values.</param>
internal sealed class MapInMemory(MemoryShelf shelf, MapShape shape, ScalarType type) : StoredMap(shape, type)
{
    private Tensor? map;

    /// <inheritdoc/>
    public override void Rest()
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (map is not null)
            shelf.Free(map);
        map = null;
    }

    /// <inheritdoc/>
    protected override void Store(Region region, Tensor values, bool isFirst)
    {
        map ??= shelf.Take(Shape, Type);
        using var place = map.Part(Shape.Whole, region);
        if (isFirst)
            place.copy_(values);
        else
            place.Accumulate(values);
    }

    /// <inheritdoc/>
    protected override void StorePart(Region region, Tensor values, bool isFirst)
    {
        if (isFirst)
        {
            map = shelf.Take(Shape, Type);
            map.zero_();
        }

        using var place = map!.Part(Shape.Whole, region);
        place.Accumulate(values);
    }

    /// <inheritdoc/>
    protected override void Ask(Region region)
    {
    }

    /// <inheritdoc/>
    protected override Tensor Take(Region region) => map!.Part(Shape.Whole, region);
}
