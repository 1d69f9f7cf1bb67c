using StreamingCnn.Geometry;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>
/// Stands for a reduction among the layers of a stage: its map has no channels, and what it computes of a rectangle is added to the run's
/// sums. Backwards, each position's share of the results' gradients starts from here.
/// </summary>
/// <param name="reduction">The reduction.</param>
internal sealed class ReductionLayer(ReductionNode reduction) : LocalLayer
{
    /// <inheritdoc/>
    public override string Name => reduction.Kind.Name;

    /// <inheritdoc/>
    internal override bool IsRightInBFloat16 => true;

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => 0;

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    /// <summary>
    /// Its record follows from its operands alone, and nobody reads its map: so it is computed in the forward pass only, and a tile that is
    /// computed again adds nothing.
    /// </summary>
    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false)
    {
        FollowsFromInput = true,
        GradientIsFresh = true,
    };

    /// <inheritdoc/>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => throw NeedsRun();

    /// <inheritdoc/>
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => throw NeedsRun();

    /// <inheritdoc/>
    internal override LayerRun Start(IRunQuantities? quantities = null) =>
        new ReductionLayerRun(reduction.Index, quantities ?? throw NeedsRun());

    private InvalidOperationException NeedsRun() => new($"{Name} adds to sums, which only a run has.");

    private sealed class ReductionLayerRun(int reduction, IRunQuantities quantities) : LayerRun
    {
        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
        {
            quantities.Sums(reduction).Add(inputs, patch.Output.Rows.Start, patch.Output.Columns.Start);
            return inputs[0].narrow(1, 0, 0);
        }

        public override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
            (Compute(inputs, patch), RecordAlone(inputs, patch, wanted));

        public override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) => new Record(
            reduction,
            quantities,
            [.. inputs.Select(input => input.alias().DetachFromDisposeScope())],
            (patch.Output.Rows.Start, patch.Output.Columns.Start),
            [.. wanted]);

        public override void Dispose()
        {
        }
    }

    private sealed class Record(
        int reduction, IRunQuantities quantities, Tensor[] operands, (long Top, long Left) place, bool[] wanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => operands;

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var found = quantities.Sums(reduction)
                .Gradient(operands, place.Top, place.Left, quantities.ResultGradients(reduction), wanted);
            Dispose();
            return [.. found.Select(one => one is null ? (LayerGradient?)null : new LayerGradient(one, IsExclusive: true))];
        }

        public override void Dispose()
        {
            foreach (var operand in operands)
                operand.Dispose();
        }
    }
}
