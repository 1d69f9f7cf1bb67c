using StreamingCnn.Execution;
using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A trunk of local layers, run tile by tile on an image of any size, with the output and gradients of the whole image.
/// </summary>
/// <remarks>
/// <para>
/// An ordinary module: <c>loss.backward()</c> fills the parameters' <c>.grad</c>. The trunk's parameters keep their identity, so an
/// optimizer made before or after works, and weights load and save as ever.
/// </para>
/// <para>
/// Under <c>no_grad</c>, or when nothing requires a gradient, only the rows that are still needed are kept. Otherwise the backward pass
/// reads the image again and computes every tile again; image, parameters and modes must not change in between, which is checked: it throws
/// an <see cref="InvalidOperationException"/> then, and when it is asked for twice.
/// </para>
/// <para>
/// Several threads may run one trunk forwards and backwards at once, by one wrapper or by several: gradients add up,
/// and a failure reaches the thread whose run it is. Sources of images and receivers of progress are called by the
/// thread that runs.
/// </para>
/// <para>Method: H. Pinckaers, B. van Ginneken, G. Litjens, "Streaming convolutional neural networks for end-to-end learning with
/// multi-megapixel images", arXiv 1911.04432; here every value is computed once per pass, without overlap.</para>
/// </remarks>
/// <example>
/// <code>
/// var trunk = new ResNetTrunk(34);
/// trunk.eval();                                    // batch norm with its running statistics
/// var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (512, 512) });
/// using var map = streaming.forward(image);        // [1, 512, H / 32, W / 32]
/// using var loss = head.forward(map).mean();
/// loss.backward();
/// </code>
/// </example>
public sealed class StreamingModule : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> trunk;
    private readonly StreamedTrunk streamed;

    /// <summary>Wraps a trunk.</summary>
    /// <param name="trunk">
    /// A Sequential, a <see cref="StreamingBlock"/>, or a single layer; in <see cref="StreamingMode.Overlap"/> also any module that maps
    /// [N, C, H, W] to [N, C', H', W'] locally.
    /// </param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range; all such options are named.</exception>
    public StreamingModule(Module<Tensor, Tensor> trunk, StreamingOptions? options = null)
        : base(nameof(StreamingModule))
    {
        ArgumentNullException.ThrowIfNull(trunk);
        this.trunk = trunk;
        Options = options ?? new();
        streamed = new StreamedTrunk(trunk, channels => GraphBuilder.Trace(trunk, channels.Single(), Options.FrozenBatchNorm), Options);
        RegisterComponents();
    }

    /// <summary>The module that was wrapped.</summary>
    public Module<Tensor, Tensor> Trunk => trunk;

    /// <summary>The settings.</summary>
    public StreamingOptions Options { get; }

    /// <summary>Runs the trunk on an image in memory.</summary>
    /// <param name="image">[N, C, H, W], of any size; converted window by window where its type or device is not the trunk's.</param>
    /// <returns>[N, C', H', W'].</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">
    /// The image has another shape than [N, C, H, W], or overlapping tiles of a module that the engine cannot see into have no size.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// Another type to compute in was asked for, but the engine cannot see into the trunk.
    /// </exception>
    public override Tensor forward(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return streamed.Forward([image])[0];
    }

    /// <summary>Runs the trunk on an image that is read window by window and never held whole.</summary>
    /// <param name="image">The image; it must stay open until the backward pass is done.</param>
    /// <returns>[1, C', H', W'].</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">Overlapping tiles of a module that the engine cannot see into have no size.</exception>
    /// <exception cref="NotSupportedException">
    /// Another type to compute in was asked for, but the engine cannot see into the trunk.
    /// </exception>
    public Tensor forward(IImageSource image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return streamed.Forward([image])[0];
    }

    /// <summary>
    /// Runs the trunk on an image that is read window by window, and gives its gradient row by row, so that neither is ever held whole.
    /// </summary>
    /// <param name="image">The image; it must stay open until the backward pass is done.</param>
    /// <param name="gradientRows">Gets the image's gradient during the backward pass.</param>
    /// <returns>[1, C', H', W'].</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">Overlapping tiles of a module that the engine cannot see into have no size.</exception>
    /// <exception cref="NotSupportedException">
    /// Another type to compute in was asked for, but the engine cannot see into the trunk.
    /// </exception>
    public Tensor forward(IImageSource image, ImageGradientRows gradientRows)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(gradientRows);
        return streamed.Forward([image], gradientRows)[0];
    }

    /// <summary>
    /// Runs the trunk on an image in memory, without autograd, and hands the output out rectangle by rectangle, so that the map need not be
    /// held whole.
    /// </summary>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="sink">Where the output goes.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">
    /// The image has another shape than [N, C, H, W], or overlapping tiles of a module that the engine cannot see into have no size.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// Another type to compute in was asked for, but the engine cannot see into the trunk.
    /// </exception>
    public void Run(Tensor image, IMapSink sink)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sink);
        streamed.Run([image], [sink]);
    }

    /// <summary>
    /// Runs the trunk on an image that is read window by window, without autograd, and hands the output out rectangle by rectangle, so that
    /// neither image nor map need be held whole.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="sink">Where the output goes.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">Overlapping tiles of a module that the engine cannot see into have no size.</exception>
    /// <exception cref="NotSupportedException">
    /// Another type to compute in was asked for, but the engine cannot see into the trunk.
    /// </exception>
    public void Run(IImageSource image, IMapSink sink)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sink);
        streamed.Run([image], [sink]);
    }

    /// <summary>
    /// Whether the engine sees into the trunk. Where it does not, <see cref="StreamingMode.Overlap"/> alone can run it, and <see
    /// cref="Plan(long, long)"/> cannot tell what that would cost.
    /// </summary>
    /// <param name="channels">Channels of the image; null for those that the network asks for.</param>
    /// <exception cref="UnsupportedLayerException">A layer that the engine knows cannot be streamed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no channel.</exception>
    public bool SeesInto(long? channels = null)
    {
        if (channels is { } number)
            ArgumentOutOfRangeException.ThrowIfLessThan(number, 1, nameof(channels));
        return streamed.SeesInto(channels);
    }

    /// <summary>What a step on one image of the given size would do and cost, without doing it.</summary>
    /// <remarks>
    /// The image has the channels that the first layer with an opinion asks for; 3 where none has one, or where a block's own <c>Trace</c>
    /// reads <see cref="FeatureMap.Channels"/> before such a layer.
    /// </remarks>
    /// <param name="height">Height in pixels.</param>
    /// <param name="width">Width in pixels.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to an image of this size.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="NotSupportedException">The engine cannot see into the trunk.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel.</exception>
    public TilePlan Plan(long height, long width) => streamed.Plan(height, width);

    /// <summary>The same for an image of a given number of channels, where the network takes several.</summary>
    /// <param name="height">Height in pixels.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="channels">Number of channels.</param>
    /// <inheritdoc cref="Plan(long, long)"/>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel, or there is no channel.</exception>
    public TilePlan Plan(long height, long width, long channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        return streamed.Plan(height, width, channels);
    }

    /// <summary>
    /// The smallest <see cref="StreamingOptions.MemoryBudget"/> in bytes that a step on one image of the given size can be planned within;
    /// every larger one is accepted, too. The options' own tile and budget make no difference.
    /// </summary>
    /// <param name="height">Height in pixels.</param>
    /// <param name="width">Width in pixels.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to an image of this size.</exception>
    /// <exception cref="NotSupportedException">The engine cannot see into the trunk.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel.</exception>
    public long SmallestBudget(long height, long width) => streamed.SmallestBudget((height, width));

    /// <summary>Height and width of the output for an image of a size; 1 x 1 where it is no map.</summary>
    /// <param name="height">Height in pixels.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="channels">Channels of the image.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to an image of this size.</exception>
    /// <exception cref="NotSupportedException">The engine cannot see into the trunk.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel.</exception>
    public (long Height, long Width) OutputSize(long height, long width, long channels) =>
        streamed.OutputSizes([channels], [(height, width)])[0];

    /// <summary>Lets go of the wrapper alone. The trunk belongs to the caller, who may wrap it again with other settings.</summary>
    protected override void Dispose(bool disposing)
    {
        // Told the truth, the base class would dispose the trunk as a child; the wrapper's own native handle frees itself.
        base.Dispose(false);
    }
}
