using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>A map in memory.</summary>
internal sealed class TensorSource : MapSource
{
    private readonly Tensor map;
    private readonly long version;

    /// <param name="map">[N, C, H, W].</param>
    /// <param name="type">Type of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    public TensorSource(Tensor map, ScalarType type, Device device)
        : base(map.shape[0], map.shape[1], map.shape[2], map.shape[3], type, device)
    {
        // A handle of our own: the caller may dispose his before the backward pass.
        this.map = map.detach().DetachFromDisposeScope();
        version = TensorVersion.Of(this.map);
    }

    /// <summary>Gradients as sources, null for none.</summary>
    public static MapSource?[] Of(IReadOnlyList<Tensor?> gradients) =>
        [.. gradients.Select(gradient => gradient is null ? null : new TensorSource(gradient, gradient.dtype, gradient.device))];

    public override void CheckUnchanged()
    {
        if (TensorVersion.Of(map) != version)
        {
            throw new InvalidOperationException(
                "The image was changed in place between the forward and the backward pass, "
                + "which reads it again; keep it unchanged, or pass a copy.");
        }
    }

    public override void Dispose() => map.Dispose();

    protected override Tensor ReadRaw(Region region) =>
        map.narrow(2, region.Rows.Start, region.Rows.Length).narrow(3, region.Columns.Start, region.Columns.Length);
}
