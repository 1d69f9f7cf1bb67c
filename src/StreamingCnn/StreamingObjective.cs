using StreamingCnn.Execution;
using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A network and the loss of its map, run tile by tile: from an image and a target to one number, whose <c>backward()</c> fills the
/// gradients of the whole image. Neither the map that the network gives, nor its gradient, is ever held whole.
/// </summary>
/// <remarks>Otherwise as <see cref="StreamingModule"/>. Tiles are counted in positions of the largest of image, target and mask.</remarks>
/// <example>
/// <code>
/// var objective = new StreamingObjective(network, new DiceCrossEntropyMapLoss(), new StreamingOptions { Tile = (512, 512) });
/// using var loss = objective.forward(image, target);   // sources, or tensors
/// loss.backward();
/// </code>
/// </example>
public sealed class StreamingObjective : Module<Tensor, Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> network;
    private readonly MapLoss loss;
    private readonly StreamedTrunk streamed;

    /// <summary>Wraps a network.</summary>
    /// <param name="network">A Sequential, a <see cref="StreamingBlock"/> or a single layer, which gives a map.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range; all such options are named.</exception>
    public StreamingObjective(Module<Tensor, Tensor> network, MapLoss loss, StreamingOptions? options = null)
        : base(nameof(StreamingObjective))
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(loss);
        (this.network, this.loss) = (network, loss);
        Options = options ?? new();
        streamed = new StreamedTrunk(
            network, channels => GraphBuilder.Trace(network, loss, channels, Options.FrozenBatchNorm), Options);
        RegisterComponents();
    }

    /// <summary>The module that was wrapped.</summary>
    public Module<Tensor, Tensor> Network => network;

    /// <summary>The loss.</summary>
    public MapLoss Loss => loss;

    /// <summary>The settings.</summary>
    public StreamingOptions Options { get; }

    /// <summary>The loss of images in memory.</summary>
    /// <inheritdoc cref="forward(Tensor, Tensor, Tensor?)"/>
    public override Tensor forward(Tensor image, Tensor target) => forward(image, target, null);

    /// <summary>The loss of images in memory, with a mask.</summary>
    /// <param name="image">[N, C, H, W]; its gradient is the whole image's, where it requires one.</param>
    /// <param name="target">
    /// [N, C', H', W'] as the loss wants it, of the output's size, or [N, H', W'] where C' is 1; of any type.
    /// </param>
    /// <param name="mask">[N, C'', H', W'] or [N, H', W'], not 0 where positions count; null where all do.</param>
    /// <returns>A tensor without dimensions.</returns>
    /// <exception cref="UnsupportedLayerException">
    /// A layer cannot be streamed, or the target is not of the output's size or has not the channels that the loss wants.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">
    /// A tensor has another shape, batches differ, a target is out of its range, or no position is left to count.
    /// </exception>
    /// <exception cref="NotSupportedException">The engine cannot see into the network.</exception>
    public Tensor forward(Tensor image, Tensor target, Tensor? mask)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(target);
        using var scope = NewDisposeScope();
        return streamed.Forward(MapLoss.Maps(image, target, mask))[0].reshape([]).MoveToOuterDisposeScope();
    }

    /// <summary>The loss of an image and a target that are read window by window.</summary>
    /// <param name="image">The image; like the others it must stay open until the backward pass is done.</param>
    /// <param name="target">
    /// The target, of the output's size: one channel of class indices, or as many channels as the output has, as the loss wants it. Its
    /// windows may be of any type, integers too, and their values are taken as they are.
    /// </param>
    /// <param name="mask">Not 0 where positions count; null where all do.</param>
    /// <inheritdoc cref="forward(Tensor, Tensor, Tensor?)" path="/returns"/>
    /// <inheritdoc cref="forward(Tensor, Tensor, Tensor?)" path="/exception"/>
    public Tensor forward(IImageSource image, IImageSource target, IImageSource? mask = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(target);
        using var scope = NewDisposeScope();
        IReadOnlyList<IImageSource> sources = mask is null ? [image, target] : [image, target, mask];
        return streamed.Forward(sources)[0].reshape([]).MoveToOuterDisposeScope();
    }

    /// <summary>What a step on one image, its target and perhaps a mask would do and cost, without doing it.</summary>
    /// <param name="inputs">Channels, height and width of each.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to inputs of these sizes.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="NotSupportedException">The engine cannot see into the network.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1, or there are fewer than two sizes or more than three.</exception>
    public TilePlan Plan(params IReadOnlyList<(long Channels, long Height, long Width)> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs.Count, 2, nameof(inputs));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inputs.Count, 3, nameof(inputs));
        return streamed.Plan([.. inputs.Select(input => input.Channels)], [.. inputs.Select(input => (input.Height, input.Width))]);
    }

    /// <summary>Lets go of the wrapper alone. Network and loss belong to the caller, who may wrap them again with other settings.</summary>
    protected override void Dispose(bool disposing)
    {
        // Told the truth, the base class would dispose the network as a child; the wrapper's own native handle frees itself.
        base.Dispose(false);
    }
}
