using StreamingCnn.Execution;
using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>A trunk with several outputs, run tile by tile; otherwise as <see cref="StreamingModule"/>.</summary>
public sealed class StreamingPyramid : Module<Tensor, Tensor[]>
{
    private readonly MultiOutputBlock trunk;
    private readonly StreamedTrunk streamed;

    /// <summary>Wraps a trunk.</summary>
    /// <param name="trunk">The block.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range; all such options are named.</exception>
    public StreamingPyramid(MultiOutputBlock trunk, StreamingOptions? options = null)
        : base(nameof(StreamingPyramid))
    {
        ArgumentNullException.ThrowIfNull(trunk);
        this.trunk = trunk;
        Options = options ?? new();
        streamed = new StreamedTrunk(trunk, channels => GraphBuilder.Trace(trunk, channels.Single(), Options.FrozenBatchNorm), Options);
        RegisterComponents();
    }

    /// <summary>The settings.</summary>
    public StreamingOptions Options { get; }

    /// <summary>Runs the trunk on an image in memory.</summary>
    /// <param name="image">[N, C, H, W].</param>
    /// <returns>One tensor for each output: [N, C', H', W'], or a small one.</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">The image has another shape than [N, C, H, W].</exception>
    public override Tensor[] forward(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return streamed.Forward([image]);
    }

    /// <summary>Runs the trunk on an image that is read window by window.</summary>
    /// <param name="image">The image; it must stay open until the backward pass is done.</param>
    /// <returns>One tensor for each output: [1, C', H', W'], or a small one.</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    public Tensor[] forward(IImageSource image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return streamed.Forward([image]);
    }

    /// <summary>
    /// Runs the trunk on an image in memory, without autograd, and hands the outputs out rectangle by rectangle, so that no map need be
    /// held whole.
    /// </summary>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="sinks">Where each output goes.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">
    /// The image has another shape than [N, C, H, W], or there are more or fewer sinks than outputs.
    /// </exception>
    public void Run(Tensor image, IReadOnlyList<IMapSink> sinks)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sinks);
        streamed.Run([image], sinks);
    }

    /// <summary>
    /// Runs the trunk on an image that is read window by window, without autograd, and hands the outputs out rectangle by rectangle, so
    /// that neither image nor maps need be held whole.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="sinks">Where each output goes.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to this image.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">There are more or fewer sinks than outputs.</exception>
    public void Run(IImageSource image, IReadOnlyList<IMapSink> sinks)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sinks);
        streamed.Run([image], sinks);
    }

    /// <inheritdoc cref="StreamingModule.Plan(long, long)"/>
    public TilePlan Plan(long height, long width) => streamed.Plan(height, width);

    /// <inheritdoc cref="StreamingModule.Plan(long, long, long)"/>
    public TilePlan Plan(long height, long width, long channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        return streamed.Plan(height, width, channels);
    }

    /// <summary>Lets go of the wrapper alone. The trunk belongs to the caller, who may wrap it again with other settings.</summary>
    protected override void Dispose(bool disposing)
    {
        // Told the truth, the base class would dispose the trunk as a child; the wrapper's own native handle frees itself.
        base.Dispose(false);
    }
}
