using StreamingCnn.Execution;
using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A network with several inputs and outputs, run tile by tile; otherwise as <see cref="StreamingModule"/>. Inputs may differ in size:
/// tiles are counted in positions of the largest.
/// </summary>
public sealed class StreamingNetwork : Module<Tensor[], Tensor[]>
{
    private readonly MultiInputBlock network;
    private readonly StreamedTrunk streamed;

    /// <summary>Wraps a network.</summary>
    /// <param name="network">The block.</param>
    /// <param name="options">
    /// Settings; null for the defaults. <see cref="StreamingOptions.Tile"/> is in positions of the largest input.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range; all such options are named.</exception>
    public StreamingNetwork(MultiInputBlock network, StreamingOptions? options = null)
        : base(nameof(StreamingNetwork))
    {
        ArgumentNullException.ThrowIfNull(network);
        this.network = network;
        Options = options ?? new();
        streamed = new StreamedTrunk(network, channels => GraphBuilder.Trace(network, channels, Options.FrozenBatchNorm), Options);
        RegisterComponents();
    }

    /// <summary>The settings.</summary>
    public StreamingOptions Options { get; }

    /// <summary>Runs the network on inputs in memory.</summary>
    /// <param name="inputs">
    /// [N, C, H, W] for each input, with the same N; the gradient of each that requires one is the whole image's.
    /// </param>
    /// <returns>One tensor for each output: [N, C', H', W'], or a small one.</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to inputs of these sizes.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">
    /// There are more or fewer tensors than inputs, one has another shape than [N, C, H, W], or batches differ.
    /// </exception>
    public override Tensor[] forward(Tensor[] inputs)
    {
        Check(inputs);
        return streamed.Forward(inputs);
    }

    /// <summary>Runs the network on inputs that are read window by window and never held whole.</summary>
    /// <param name="inputs">The inputs; they must stay open until the backward pass is done.</param>
    /// <returns>One tensor for each output: [1, C', H', W'], or a small one.</returns>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to inputs of these sizes.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">There are more or fewer sources than inputs.</exception>
    public Tensor[] forward(IReadOnlyList<IImageSource> inputs)
    {
        Check(inputs);
        return streamed.Forward(inputs);
    }

    /// <summary>Runs the network on inputs in memory, without autograd, and hands the outputs out rectangle by rectangle.</summary>
    /// <param name="inputs">[N, C, H, W] for each input, with the same N.</param>
    /// <param name="sinks">Where each output goes.</param>
    /// <inheritdoc cref="forward(Tensor[])" path="/exception"/>
    public void Run(IReadOnlyList<Tensor> inputs, IReadOnlyList<IMapSink> sinks)
    {
        Check(inputs);
        ArgumentNullException.ThrowIfNull(sinks);
        streamed.Run(inputs, sinks);
    }

    /// <summary>
    /// Runs the network on inputs that are read window by window, without autograd, and hands the outputs out rectangle by rectangle.
    /// </summary>
    /// <param name="inputs">The inputs.</param>
    /// <param name="sinks">Where each output goes.</param>
    /// <inheritdoc cref="forward(IReadOnlyList{IImageSource})" path="/exception"/>
    public void Run(IReadOnlyList<IImageSource> inputs, IReadOnlyList<IMapSink> sinks)
    {
        Check(inputs);
        ArgumentNullException.ThrowIfNull(sinks);
        streamed.Run(inputs, sinks);
    }

    /// <summary>What a step on inputs of the given sizes would do and cost, without doing it.</summary>
    /// <param name="inputs">Channels, height and width of each input.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to inputs of these sizes.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1.</exception>
    /// <exception cref="ArgumentException">There are more or fewer sizes than inputs.</exception>
    public TilePlan Plan(params IReadOnlyList<(long Channels, long Height, long Width)> inputs)
    {
        Check(inputs);
        return streamed.Plan([.. inputs.Select(input => input.Channels)], [.. inputs.Select(input => (input.Height, input.Width))]);
    }

    /// <summary>
    /// What a step on inputs would do and cost, without doing it. Inputs that say which positions count, such as a mask, are read:
    /// <see cref="TilePlan.AskedFor"/> is how much that leaves.
    /// </summary>
    /// <param name="inputs">The inputs.</param>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or cannot be applied to inputs of these sizes.</exception>
    /// <exception cref="InsufficientMemoryException">No tile fits into the memory budget.</exception>
    /// <exception cref="ArgumentException">There are more or fewer sources than inputs.</exception>
    public TilePlan Plan(IReadOnlyList<IImageSource> inputs)
    {
        Check(inputs);
        return streamed.Plan(inputs);
    }

    /// <summary>Lets go of the wrapper alone. The network belongs to the caller, who may wrap it again with other settings.</summary>
    protected override void Dispose(bool disposing)
    {
        // Told the truth, the base class would dispose the network as a child; the wrapper's own native handle frees itself.
        base.Dispose(false);
    }

    private void Check<T>(IReadOnlyList<T> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        network.Check(inputs.Count);
        if (inputs.Contains(default!))
            throw new ArgumentException("An input is null; give one for each.", nameof(inputs));
    }
}
