using StreamingCnn.Geometry;
using StreamingCnn.Reductions;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>A module that looks at the whole map, in the run of a block's own forward: it is called.</summary>
/// <param name="module">The module.</param>
internal sealed class WholeModuleLayer(Module<Tensor, Tensor> module) : LocalLayer
{
    /// <inheritdoc/>
    public override Module Module => module;

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length) => throw new InvalidOperationException($"{Name} looks at the whole map.");

    /// <inheritdoc/>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) =>
        throw new InvalidOperationException($"{Name} looks at the whole map.");

    /// <inheritdoc/>
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => module.call(inputs[0]);
}

/// <summary>A module from a map to a small tensor, in the run of a block's own forward: it is called.</summary>
/// <param name="module">The module.</param>
internal sealed class WholeModuleReduction(Module<Tensor, Tensor> module) : MapReduction
{
    /// <inheritdoc/>
    public override string Name => module.GetType().Name;

    /// <inheritdoc/>
    public override int Operands => 1;

    /// <inheritdoc/>
    public override int Results => 1;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels)
    {
    }

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => throw new InvalidOperationException($"{Name} looks at the whole map.");

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps) => [module.call(maps[0])];
}
