using StreamingCnn.Geometry;
using StreamingCnn.Graph.Stages;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>
/// What the engine knows of a layer: which inputs each output reads (<see cref="Along"/>), and how to compute a rectangle of outputs
/// from the rectangle of inputs that it reads (<see cref="Compute"/>).
/// </summary>
/// <remarks>
/// To teach the engine a layer of your own, derive from this class, or from <see cref="PointwiseLayer"/> or
/// <see cref="WindowLayer"/>, and register it with <see cref="LayerRegistry"/>.
/// </remarks>
public abstract class LocalLayer
{
    /// <summary>The module that holds the layer's parameters, or null when it has none (an addition, a concatenation).</summary>
    public virtual Module? Module => null;

    /// <summary>The layer's name in tables and error messages: the module's type.</summary>
    public virtual string Name => (Module ?? (object)this).GetType().Name;

    /// <summary>
    /// Whether output position o reads input position o alone, and the value does not depend on where it stands, so that the layer may
    /// be applied again to values that are carried from tile to tile.
    /// </summary>
    public virtual bool IsPointwise => false;

    /// <summary>
    /// Whether <see cref="Compute"/> returns memory of its own that nothing else needs, autograd included, so that a next layer may
    /// overwrite it.
    /// </summary>
    public virtual bool OutputIsFresh => false;

    /// <summary>Whether the layer draws random numbers as it is set now.</summary>
    public virtual bool IsRandom => false;

    /// <summary>All modules whose parameters, buffers and mode the layer depends on.</summary>
    internal virtual IEnumerable<Module> Modules => Module is { } module ? [module] : [];

    /// <summary>Whether the layer is known to be right among maps of bfloat16; else it computes in float32 there.</summary>
    internal virtual bool IsRightInBFloat16 => !Parameters.Any();

    /// <summary>Whether anything besides the operands needs a gradient.</summary>
    internal virtual bool Learns => Parameters.Any(parameter => parameter.requires_grad);

    /// <summary>Bytes of the layer's parameters.</summary>
    internal long WeightBytes => Parameters.Sum(parameter => parameter.numel() * parameter.element_size());

    /// <summary>Bytes that a run makes of the layer's parameters and holds until its end.</summary>
    internal virtual long RunBytes => 0;

    /// <summary>The layer's parameters.</summary>
    public virtual IEnumerable<Parameter> Parameters => Module?.parameters() ?? [];

    /// <summary>
    /// Why the layer cannot be streamed as it is set now, and what to do, as the end of a sentence that begins with its name; null
    /// when it can. Asked before every run, since a layer's mode may change.
    /// </summary>
    public virtual string? Refusal => null;

    /// <summary>Number of channels that the layer asks of its operand; null where it takes any.</summary>
    public virtual long? InputChannels => null;

    /// <summary>Number of output channels for the given numbers of input channels, one for each operand.</summary>
    /// <exception cref="GeometryException">The layer does not accept them.</exception>
    public abstract long OutputChannels(IReadOnlyList<long> inputs);

    /// <summary>The layer along one axis, for inputs of the given length.</summary>
    /// <exception cref="GeometryException">The layer cannot be applied to that length.</exception>
    public abstract AxisMap Along(Axis axis, long length);

    /// <summary>The layer along one axis, where its output has the length of another map.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="length">Length of its operand.</param>
    /// <param name="wanted">Length of the other map.</param>
    /// <exception cref="GeometryException">The layer cannot give that length of this one.</exception>
    internal virtual AxisMap Fitted(Axis axis, long length, long wanted) => Along(axis, length);

    /// <summary>Computes a rectangle of the output.</summary>
    /// <param name="inputs">
    /// For each operand the rectangle <see cref="Patch.Input"/> of its map, [N, C, h, w], without padding; h or w is 0 where only padding
    /// is read. They must not be changed. They may be parts of larger tensors, and their channels may lie last in memory: <c>view</c> may
    /// fail where <c>reshape</c> works.
    /// </param>
    /// <param name="patch">What to compute.</param>
    /// <returns>The rectangle <see cref="Patch.Output"/>, [N, C', h', w'].</returns>
    public abstract Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch);

    /// <summary>The layer applied to whole maps at once, as ordinary PyTorch runs it.</summary>
    public abstract Tensor Whole(IReadOnlyList<Tensor> inputs);

    /// <summary>
    /// Positions of the copy with padding that the layer makes of its first operand's window to compute on it; 0 where it makes none.
    /// </summary>
    internal virtual long PaddedPositions(in Patch patch) => patch.PaddedPositions;

    /// <summary>
    /// The operand's rectangle together with the zeros that the layer pads it with, as positions that may lie outside of the map, where the
    /// layer takes both from one piece of memory that has them: <see cref="Patch.LaidOut"/>. Null where it does not, and where it adds no
    /// zeros.
    /// </summary>
    internal virtual Region? ZeroPadded(in Patch patch) => null;

    /// <summary>What the layer's record of a rectangle holds; as autograd records it unless the layer records by itself.</summary>
    internal virtual LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: true);

    /// <summary>
    /// Multiplications and additions for each position of the output, all channels together; 0 where the work is in moving memory.
    /// </summary>
    internal virtual double WorkPerPosition => 0;

    /// <summary>The kind of that arithmetic.</summary>
    internal virtual WorkKind WorkKind => WorkKind.Convolution;

    /// <summary>Values that each value of the output is chosen from or averaged over, one by one.</summary>
    internal virtual double ComparisonsPerPosition => 0;

    /// <summary>Computes a rectangle and records what its backward pass needs.</summary>
    /// <param name="inputs">As for <see cref="Compute"/>; the record may keep references to them.</param>
    /// <param name="patch">What to compute.</param>
    /// <param name="wanted">For each operand, whether its gradient is wanted.</param>
    /// <returns>The output and the record. By default autograd does the recording.</returns>
    internal virtual (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        AutogradRecord.Run(this, inputs, patch, wanted);

    /// <summary>Records what the layer's backward pass needs of a rectangle where nobody needs the output.</summary>
    internal virtual LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var (output, record) = Run(inputs, patch, wanted);
        output.Dispose();
        return record;
    }

    /// <summary>
    /// Begins a run over rectangles of this layer. What the run makes belongs to it: the layer may be in several at once.
    /// </summary>
    /// <param name="quantities">The run's small tensors and reductions; null where it has none.</param>
    internal virtual LayerRun Start(IRunQuantities? quantities = null) => new PlainRun(this);
}
