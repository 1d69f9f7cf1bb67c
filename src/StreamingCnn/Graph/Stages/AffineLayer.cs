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
/// centre -scale s.
/// The centre is taken off before the product is summed up: x may be far from 0.
/// </remarks>
internal sealed class AffineLayer : OperandLayer
{
    // Which of the small tensors are there, in this order.
    private readonly bool hasCentre;
    private readonly bool hasScale;
    private readonly bool hasShift;

    public AffineLayer(bool hasCentre, bool hasScale, bool hasShift) => (this.hasCentre, this.hasScale, this.hasShift) = (hasCentre, hasScale, hasShift);

    /// <inheritdoc/>
    public override string Name => hasCentre ? "Normalise" : hasScale ? "Scale" : "Shift";

    /// <inheritdoc/>
    internal override LayerMemory MemoryOf(in Patch patch) =>
        new(KeepsInput: Keeps, KeepsOutput: false) { GradientIsFresh = hasScale, GradientIsPart = !hasScale, FollowsFromInput = true };

    // The product needs the operand, and nothing else does.
    private bool Keeps => hasScale && SmallsWanted.Length > 0 && SmallsWanted[hasCentre ? 1 : 0];

    /// <inheritdoc/>
    public override OperandLayer With(bool[] smallsWanted) =>
        new AffineLayer(hasCentre, hasScale, hasShift) { Smalls = Smalls, SmallsWanted = smallsWanted };

    /// <inheritdoc/>
    public override Tensor Apply(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls)
    {
        var (centre, scale, shift) = Operands(smalls);
        // One constant for each channel, made in a wider type: then one pass over the map.
        var constant = centre is null ? shift : Constant(centre, scale, shift, inputs[0].dtype);
        var factor = scale?.to(inputs[0].dtype);
        return (factor, constant?.to(inputs[0].dtype)) switch
        {
            ({ } times, { } plus) => addcmul(plus, inputs[0], times, 1),
            ({ } times, null) => inputs[0] * times,
            (null, { } plus) => inputs[0] + plus,
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

    private sealed class Record(AffineLayer layer, IRunQuantities quantities, Tensor? input, Tensor[] smalls, bool inputWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => input is null ? [] : [input];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var (centre, scale, _) = layer.Operands(smalls);
            using (NewDisposeScope())
            {
                var sum = layer.Learns ? gradient.sum([2, 3], keepdim: true, type: SumType(gradient)) : null;
                var product = input is null ? null : Product(gradient, centre);
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

        private Tensor Product(Tensor gradient, Tensor? centre)
        {
            var centred = centre is null ? input! : input! - centre.to(input!.dtype);
            return (gradient * centred).sum([2, 3], keepdim: true, type: SumType(gradient));
        }

        private static ScalarType SumType(Tensor gradient) => gradient.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
    }
}
