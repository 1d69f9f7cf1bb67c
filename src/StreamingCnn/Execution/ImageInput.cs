using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The image as the tiles read it: windows of the trunk's type, on the trunk's device.</summary>
internal abstract class ImageInput(long batch, long channels, long height, long width, ScalarType type, Device device) : IDisposable
{
    public long Batch { get; } = batch;

    public long Channels { get; } = channels;

    public long Height { get; } = height;

    public long Width { get; } = width;

    /// <summary>Type of the computation.</summary>
    public ScalarType Type { get; } = type;

    /// <summary>Device of the computation.</summary>
    public Device Device { get; } = device;

    /// <summary>Reads a window [N, C, h, w] into the caller's scope. It may share the image's memory.</summary>
    public Tensor Read(Region region)
    {
        var window = ReadRaw(region);
        return window.dtype == Type && window.device == Device ? window : window.to(Type, Device);
    }

    /// <summary>Refuses to go on when the image has been changed since the run began.</summary>
    public virtual void CheckUnchanged()
    {
    }

    /// <summary>Lets go of the image; a source stays open, for it is the caller's.</summary>
    public abstract void Dispose();

    protected abstract Tensor ReadRaw(Region region);
}

/// <summary>An image in memory.</summary>
internal sealed class TensorInput : ImageInput
{
    private readonly Tensor image;
    private readonly long version;

    /// <param name="image">[N, C, H, W].</param>
    /// <param name="type">Type of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    public TensorInput(Tensor image, ScalarType type, Device device)
        : base(image.shape[0], image.shape[1], image.shape[2], image.shape[3], type, device)
    {
        // A handle of our own: the caller may dispose his before the backward pass.
        this.image = image.detach().DetachFromDisposeScope();
        version = Interop.TensorVersion.Of(this.image);
    }

    public override void CheckUnchanged()
    {
        if (Interop.TensorVersion.Of(image) != version)
            throw new InvalidOperationException("The image was changed in place between the forward and the backward pass, which reads it again; keep it unchanged, or pass a copy.");
    }

    public override void Dispose() => image.Dispose();

    protected override Tensor ReadRaw(Region region) =>
        image.narrow(2, region.Rows.Start, region.Rows.Length).narrow(3, region.Columns.Start, region.Columns.Length);
}

/// <summary>An image read from its source.</summary>
internal sealed class SourceInput(IImageSource source, ScalarType type, Device device)
    : ImageInput(1, source.Channels, source.Height, source.Width, type, device)
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
