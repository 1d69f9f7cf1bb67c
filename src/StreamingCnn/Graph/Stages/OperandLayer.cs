using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>
/// A layer that applies small tensors at every position of its maps. Their gradients are sums over positions, and over tiles.
/// </summary>
internal abstract class OperandLayer : LocalLayer
{
    /// <summary>Indices of the small tensors that it applies.</summary>
    public required int[] Smalls { get; init; }

    /// <summary>Of each small tensor whether its gradient is wanted.</summary>
    public bool[] SmallsWanted { get; init; } = [];

    /// <inheritdoc/>
    public override bool IsPointwise => true;

    /// <inheritdoc/>
    public override bool OutputIsFresh => true;

    /// <inheritdoc/>
    internal override bool IsRightInBFloat16 => true;

    /// <inheritdoc/>
    internal override bool Learns => SmallsWanted.Contains(true);

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    /// <inheritdoc/>
    public sealed override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Whole(inputs);

    /// <inheritdoc/>
    public sealed override Tensor Whole(IReadOnlyList<Tensor> inputs) => Smalls.Length == 0 ? Apply(inputs, []) : throw NeedsRun();

    /// <summary>Applies small tensors to rectangles, or to whole maps. It may not change either.</summary>
    /// <param name="inputs">The operands, [N, C, h, w].</param>
    /// <param name="smalls">The small tensors, as four dimensions each: [N or 1, C or 1, 1, 1].</param>
    public abstract Tensor Apply(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls);

    /// <summary>The same layer where it is known whose gradients are wanted.</summary>
    public abstract OperandLayer With(bool[] smallsWanted);

    /// <summary>A small tensor as an operand of maps.</summary>
    /// <param name="small">[N, C], or [N, C, 1, 1]; N and C may be 1.</param>
    /// <param name="map">The first map, or a rectangle of it.</param>
    /// <param name="path">The layer's path, to be named where the shape is another.</param>
    /// <exception cref="UnsupportedLayerException">The tensor has another shape.</exception>
    public Tensor AtEveryPosition(Tensor small, Tensor map, string path) => small.shape switch
    {
        [var batch, var channels, ..] when OutputChannels([map.shape[1]]) is var wanted
            && ((batch != 1 && batch != map.shape[0]) || (channels != 1 && channels != wanted)) => throw new UnsupportedLayerException(
                path,
                nameof(FeatureMap),
                $"gets a small tensor of {batch} images and {channels} channels, but the map has {map.shape[0]} and {wanted}"),
        [_, _] => small.unsqueeze(2).unsqueeze(3),
        [_, _, 1, 1] => small.alias(),
        var shape => throw new UnsupportedLayerException(
            path, nameof(FeatureMap), $"gets a small tensor that is neither [N, C] nor [N, C, 1, 1]: [{string.Join(", ", shape)}]"),
    };

    /// <inheritdoc/>
    internal override LayerRun Start(IRunQuantities? quantities = null)
    {
        if (quantities is null && Smalls.Length > 0)
            throw NeedsRun();
        // A layer of maps alone asks for none.
        return new OperandRun(this, quantities!);
    }

    /// <summary>Records a rectangle; by autograd unless the layer records by itself.</summary>
    internal virtual (Tensor Output, LayerRecord Record) Run(
        IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls, IReadOnlyList<bool> wanted, IRunQuantities quantities)
    {
        var leaves = inputs.Select((input, i) => Leaf(input, wanted[i]))
            .Concat(smalls.Select((small, i) => Leaf(small, SmallsWanted[i]))).ToArray();
        Tensor root;
        using (NewDisposeScope())
        using (enable_grad())
            root = Apply(leaves[..inputs.Count], leaves[inputs.Count..]).DetachFromDisposeScope();
        return (root.detach(), new Record(this, quantities, leaves, inputs.Count, root));

        static Tensor Leaf(Tensor tensor, bool isWanted) => tensor.detach().requires_grad_(isWanted).DetachFromDisposeScope();
    }

    private InvalidOperationException NeedsRun() => new($"{Name} applies small tensors, which only a run has.");

    private sealed class OperandRun(OperandLayer layer, IRunQuantities quantities) : LayerRun
    {
        private Tensor[]? smalls;

        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => layer.Apply(inputs, Smalls(inputs[0]));

        public override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
            layer.Run(inputs, Smalls(inputs[0]), wanted, quantities);

        public override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
        {
            var (output, record) = layer.Run(inputs, Smalls(inputs[0]), wanted, quantities);
            output.Dispose();
            return record;
        }

        public override void Dispose()
        {
            foreach (var small in smalls ?? [])
                small.Dispose();
            smalls = null;
        }

        /// <summary>The small tensors, all rectangles' alike.</summary>
        private Tensor[] Smalls(Tensor rectangle)
        {
            if (smalls is null)
            {
                using var scope = NewDisposeScope();
                smalls =
                [
                    .. layer.Smalls.Select(small =>
                        layer.AtEveryPosition(quantities.Value(small), rectangle, layer.Name).DetachFromDisposeScope()),
                ];
            }

            return smalls;
        }
    }

    private sealed class Record(OperandLayer layer, IRunQuantities quantities, Tensor[] leaves, int maps, Tensor root) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [.. leaves[..maps], root];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var found = AutogradRecord.Backpropagate(root, gradient, leaves, [], parameters);
            Dispose();
            for (var i = maps; i < found.Length; i++)
            {
                using var ofSmall = found[i];
                if (ofSmall is not null)
                    quantities.AddGradient(layer.Smalls[i - maps], ofSmall);
            }

            return Array.ConvertAll(found[..maps], one => one is null ? (LayerGradient?)null : new LayerGradient(one, IsExclusive: false));
        }

        public override void Dispose()
        {
            root.Dispose();
            foreach (var leaf in leaves)
                leaf.Dispose();
        }
    }
}
