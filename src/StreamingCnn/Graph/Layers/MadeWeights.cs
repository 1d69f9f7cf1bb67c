using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Weights that are made of a convolution's own, for one run, which owns them. The gradients of what was made are summed up over the run's
/// rectangles, and handed on to the parameters at its end.
/// </summary>
/// <param name="convolution">The convolution.</param>
internal abstract class MadeWeights(Conv2d convolution) : IConvolutionWeights, IDisposable
{
    // Weights of early layers are small, and made anew for every tile they would be most of the calls. Those of late ones are not kept a
    // second time.
    private const long MostKeptBytes = 1 << 20;

    private readonly List<Tensor> kept = [];
    private Tensor? weight;

    /// <inheritdoc/>
    public abstract bool NeedWeightGradient { get; }

    /// <inheritdoc/>
    public abstract bool NeedBiasGradient { get; }

    /// <inheritdoc/>
    public abstract Tensor? Bias { get; }

    /// <summary>The convolution.</summary>
    protected Conv2d Convolution => convolution;

    /// <summary>The sum of the gradients of what was made of the weights; null where none came.</summary>
    protected Tensor? WeightSum { get; private set; }

    /// <summary>The sum of the gradients of the bias that was made; null where none came.</summary>
    protected Tensor? BiasSum { get; private set; }

    /// <summary>Bytes of the weights that a run keeps until its end; 0 where they are made for every tile.</summary>
    public static long KeptBytes(Conv2d convolution) =>
        convolution.weight.numel() * convolution.weight.element_size() is var bytes && bytes <= MostKeptBytes ? bytes : 0;

    /// <inheritdoc/>
    public Tensor Weight(MapFormat format) => KeptBytes(convolution) > 0 ? weight ??= Kept(() => Make(format)) : Make(format);

    /// <summary>Adds the gradients of a rectangle to what has come so far; <see cref="Finish"/> hands them on.</summary>
    /// <inheritdoc/>
    public void Add(Tensor? ofWeight, Tensor? ofBias, IGradientSink parameters) =>
        (WeightSum, BiasSum) = (Sum(WeightSum, ofWeight), Sum(BiasSum, ofBias));

    /// <summary>Hands on the gradients of the parameters, when those of all rectangles have come.</summary>
    /// <param name="parameters">Receives them.</param>
    public abstract void Finish(IGradientSink parameters);

    /// <summary>Frees what was made for one run.</summary>
    public virtual void Dispose()
    {
        foreach (var tensor in kept)
            tensor.Dispose();
        kept.Clear();
        weight = WeightSum = BiasSum = null;
    }

    /// <summary>Makes the weights.</summary>
    /// <param name="format">The maps' format, in which the weights are to lie.</param>
    protected abstract Tensor Make(MapFormat format);

    /// <summary>Values of output channels, as they apply to weights.</summary>
    protected static Tensor Channels(Tensor values) => values.view(-1, 1, 1, 1);

    /// <summary>Makes a tensor that stays until the run's end.</summary>
    protected Tensor Kept(Func<Tensor> make)
    {
        using var scope = NewDisposeScope();
        using (TensorHeap.Lasting())
        {
            var tensor = make().DetachFromDisposeScope();
            kept.Add(tensor);
            return tensor;
        }
    }

    private Tensor? Sum(Tensor? sum, Tensor? gradient)
    {
        if (gradient is null)
            return sum;
        // Maps may be of a narrower type; sums are of the parameters'.
        if (sum is null)
            sum = Kept(() => gradient.to(convolution.weight.dtype, copy: true));
        else
            sum.Accumulate(gradient);
        gradient.Dispose();
        return sum;
    }
}
