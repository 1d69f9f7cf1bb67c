using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>
/// y = (x - centre) scale + shift, with a small tensor for each, any of which may be missing: the last step of norms, gates, biases.
/// </summary>
/// <remarks>
/// With s the sum over positions of dy, and p that of dy (x - centre): the gradient of the scale is p, that of the shift s, and that of the
/// centre -scale s. The centre is taken off before the product is summed up: x may be far from 0.
/// </remarks>
internal sealed class AffineLayer : OperandLayer
{
    // Which of the small tensors are there, in this order.
    private readonly bool hasCentre;
    private readonly bool hasScale;
    private readonly bool hasShift;

    public AffineLayer(bool hasCentre, bool hasScale, bool hasShift) =>
        (this.hasCentre, this.hasScale, this.hasShift) = (hasCentre, hasScale, hasShift);

    /// <inheritdoc/>
    public override string Name => Norm ?? (hasCentre ? "Normalise" : hasScale ? "Scale" : "Shift");

    /// <summary>The norm whose last step this is; null for none.</summary>
    public string? Norm { get; init; }

    /// <summary>The only size of maps that it takes; null for any.</summary>
    public (long Height, long Width)? Size { get; init; }

    /// <inheritdoc/>
    /// <remarks>A norm's small tensors have more significant bits than the maps, and are not to lose them.</remarks>
    internal override bool IsRightInBFloat16 => !hasCentre;

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length)
    {
        if (Size is { } only && length != (axis == Axis.Rows ? only.Height : only.Width))
            throw new GeometryException($"takes maps of {only.Height} x {only.Width} alone, but gets a side of {length}");
        return base.Along(axis, length);
    }

    /// <inheritdoc/>
    internal override LayerMemory MemoryOf(in Patch patch) =>
        new(KeepsInput: Keeps, KeepsOutput: false) { GradientIsFresh = hasScale, GradientIsPart = !hasScale, FollowsFromInput = true };

    // The product needs the operand, and nothing else does.
    private bool Keeps => hasScale && SmallsWanted.Length > 0 && SmallsWanted[hasCentre ? 1 : 0];

    /// <inheritdoc/>
    public override OperandLayer With(bool[] smallsWanted) =>
        new AffineLayer(hasCentre, hasScale, hasShift) { Smalls = Smalls, SmallsWanted = smallsWanted, Norm = Norm, Size = Size };

    /// <inheritdoc/>
    public override Tensor Apply(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls)
    {
        var (centre, scale, shift) = Operands(smalls);
        // One constant for each channel, made in a wider type: then one pass over the map. It is made for the factor as it is rounded: the
        // centre may be large, and another factor would shift everything.
        var factor = scale?.to(inputs[0].dtype);
        var constant = centre is null ? shift : Constant(centre, factor, shift, inputs[0].dtype);
        return (factor, constant?.to(inputs[0].dtype)) switch
        {
            ({ } times, { } plus) => plus.PlusProduct(inputs[0], times),
            ({ } times, null) => inputs[0] * times,
            (null, { } plus) => inputs[0].Plus(plus),
            _ => inputs[0].clone(),
        };
    }

    /// <inheritdoc/>
    internal override (Tensor Output, LayerRecord Record) Run(
        IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls, IReadOnlyList<bool> wanted, IRunQuantities quantities) => (
            Apply(inputs, smalls),
            new Record(
                this,
                quantities,
                Keeps ? inputs[0].alias().DetachFromDisposeScope() : null,
                [.. smalls.Select(small => small.alias().DetachFromDisposeScope())],
                wanted[0]));

    private static Tensor Constant(Tensor centre, Tensor? scale, Tensor? shift, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var wide = centre.to(ScalarType.Float64);
        var product = scale is null ? wide : wide * scale.to(ScalarType.Float64);
        return (shift is null ? -product : shift.to(ScalarType.Float64) - product).to(type).MoveToOuterDisposeScope();
    }

    private (Tensor? Centre, Tensor? Scale, Tensor? Shift) Operands(IReadOnlyList<Tensor> smalls)
    {
        var next = 0;
        return (hasCentre ? smalls[next++] : null, hasScale ? smalls[next++] : null, hasShift ? smalls[next] : null);
    }

    private void Add(IRunQuantities quantities, Tensor?[] gradients)
    {
        for (var i = 0; i < gradients.Length; i++)
        {
            if (gradients[i] is { } gradient && SmallsWanted[i])
                quantities.AddGradient(Smalls[i], gradient);
        }
    }

    private sealed class Record(
        AffineLayer layer, IRunQuantities quantities, Tensor? input, Tensor[] smalls, bool inputWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => input is null ? [] : [input];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var (centre, scale, _) = layer.Operands(smalls);
            using (NewDisposeScope())
            {
                var sum = layer.Learns ? Sum(gradient) : null;
                var product = input is null ? null : Product(gradient, centre, sum!);
                var gradients = new List<Tensor?>();
                if (layer.hasCentre)
                    gradients.Add(sum is null ? null : scale is null ? -sum : -(sum * scale.to(sum.dtype)));
                if (layer.hasScale)
                    gradients.Add(product);
                if (layer.hasShift)
                    gradients.Add(sum);
                layer.Add(quantities, [.. gradients]);
            }

            LayerGradient? below = !inputWanted ? null
                : scale is null ? new(gradient.alias(), IsExclusive: false)
                : new(gradient * scale.to(gradient.dtype), IsExclusive: true);
            Dispose();
            return [below];
        }

        public override void Dispose()
        {
            input?.Dispose();
            foreach (var small in smalls)
                small.Dispose();
        }

        private Tensor Product(Tensor gradient, Tensor? centre, Tensor sum)
        {
            if (centre is null)
                return Sum(gradient * input!);
            var about = centre.to(input!.dtype);
            // What rounding has taken off the centre counts once for each position.
            return Sum(gradient * (input - about)) - (sum * (centre - about));
        }

        private static Tensor Sum(Tensor map) => map.sum([2, 3], keepdim: true, type: SumType(map));

        private static ScalarType SumType(Tensor gradient) =>
            gradient.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
    }
}
