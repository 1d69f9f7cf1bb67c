using StreamingCnn.Graph;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A loss of a map and a target: one number of whole maps. Streamed, neither the map, nor the target, nor the loss's gradient is ever held
/// whole.
/// </summary>
/// <remarks>
/// Three ways to use it: <see cref="Of"/> within the <c>Trace</c> of a network of your own, <see cref="StreamingObjective"/> around a
/// network that gives one map, or as a module on whole tensors. Batches count as in PyTorch: a mean is taken over the positions of all
/// images.
/// </remarks>
public abstract class MapLoss : Module<Tensor, Tensor, Tensor>
{
    /// <summary>Creates the loss.</summary>
    /// <param name="name">The module's name.</param>
    protected MapLoss(string name)
        : base(name)
    {
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="output">The map that is judged, [N, C, H, W], such as logits.</param>
    /// <param name="target">What it should be, of the same size. It gets no gradient.</param>
    /// <param name="mask">
    /// A map of the same size that is not 0 where positions count, in its only channel or in any of them; whatever stands elsewhere, in the
    /// output or in the target, is in no sum and in no gradient. It gets no gradient. Null where all count.
    /// </param>
    /// <returns>The loss, [1, 1].</returns>
    /// <exception cref="UnsupportedLayerException">The maps' numbers of channels do not fit together.</exception>
    public abstract GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null);

    /// <summary>The loss of whole tensors, by ordinary autograd.</summary>
    /// <inheritdoc cref="forward(Tensor, Tensor, Tensor?)"/>
    public sealed override Tensor forward(Tensor output, Tensor target) => forward(output, target, null);

    /// <summary>The loss of whole tensors with a mask, by ordinary autograd.</summary>
    /// <param name="output">[N, C, H, W], of a floating-point type; one narrower than float32 is computed with in float32.</param>
    /// <param name="target">[N, C', H, W], or [N, H, W] where C' is 1, of any type.</param>
    /// <param name="mask">[N, C'', H, W] or [N, H, W], of any type; null where all positions count.</param>
    /// <returns>A tensor without dimensions.</returns>
    /// <exception cref="ArgumentException">Sizes do not agree, a target is out of its range, or no position is left.</exception>
    /// <exception cref="UnsupportedLayerException">The maps' numbers of channels do not fit together.</exception>
    public Tensor forward(Tensor output, Tensor target, Tensor? mask)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(target);
        using var scope = NewDisposeScope();
        var type = output.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor[] maps = [.. Maps(output, target, mask).Select(map => map.to(type, output.device))];
        var loss = GraphBuilder.TraceForward(this, Array.ConvertAll(maps, ImageShape.Channels)).Whole(maps)[0];
        return loss.reshape([]).MoveToOuterDisposeScope();
    }

    /// <summary>Tensors as batches of maps; what stands behind the first may lack the channel that it has one of.</summary>
    internal static Tensor[] Maps(Tensor output, Tensor target, Tensor? mask) =>
        [output, WithChannel(target), .. mask is null ? Array.Empty<Tensor>() : [WithChannel(mask)]];

    private static Tensor WithChannel(Tensor map) => map.Dimensions == 3 ? map.unsqueeze(1) : map.alias();
}
