using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>An image that is read window by window from its source.</summary>
internal sealed class WindowSource(IImageSource source, ScalarType type, Device device)
    : MapSource(1, source.Channels, source.Height, source.Width, type, device)
{
    public override void Dispose()
    {
    }

    protected override Tensor ReadRaw(Region region)
    {
        var window = source is IPreparedImageSource prepared
            ? Prepare(prepared, region)
            : source.Read(region.Rows.Start, region.Columns.Start, region.Rows.Length, region.Columns.Length);
        long[] expected = [1, Channels, region.Rows.Length, region.Columns.Length];
        if (window.shape.SequenceEqual(expected))
            return window;
        var call = $"Read({region.Rows.Start}, {region.Columns.Start}, {region.Rows.Length}, {region.Columns.Length})";
        var (given, wanted) = (string.Join(", ", window.shape), string.Join(", ", expected));
        throw new InvalidOperationException($"{source.GetType().Name}.{call} gave a tensor [{given}]; it must be [{wanted}].");
    }

    private Tensor Prepare(IPreparedImageSource prepared, Region region)
    {
        using var stored = prepared.ReadStored(region.Rows.Start, region.Columns.Start, region.Rows.Length, region.Columns.Length);
        using var moved = stored.to(Device);
        return prepared.Prepare(moved);
    }
}
