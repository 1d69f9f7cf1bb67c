using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A layer that joins maps of equal size position by position.</summary>
internal abstract class MergingLayer : LocalLayer
{
    public override bool OutputIsFresh => true;

    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => Compute(inputs, default);

    protected static long Equal(IReadOnlyList<long> inputs, string what) => inputs.All(c => c == inputs[0])
        ? inputs[0]
        : throw new GeometryException($"needs maps with equal numbers of channels to {what}, but gets {string.Join(" and ", inputs)}");
}

/// <summary>The sum of two maps; the gradient goes to both.</summary>
internal sealed class AdditionLayer : MergingLayer
{
    public override string Name => "Add";

    internal override LayerMemory MemoryOf(in Patch patch) => new() { GradientIsPart = true, FollowsFromInput = true };

    public override long OutputChannels(IReadOnlyList<long> inputs) => Equal(inputs, "add");

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => inputs[0].Plus(inputs[1]);

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new HandingRecord([.. wanted]));

    internal override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        new HandingRecord([.. wanted]);
}

/// <summary>Of a layer whose operands all get the gradient that comes in.</summary>
internal sealed class HandingRecord(bool[] wanted) : LayerRecord
{
    public override IEnumerable<Tensor> Held => [];

    public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters) =>
        Array.ConvertAll(wanted, w => w ? new LayerGradient(gradient.alias(), IsExclusive: false) : (LayerGradient?)null);

    public override void Dispose()
    {
    }
}

/// <summary>The product of two maps.</summary>
internal sealed class MultiplicationLayer : MergingLayer
{
    public override string Name => "Multiply";

    public override long OutputChannels(IReadOnlyList<long> inputs) => Equal(inputs, "multiply");

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => inputs[0] * inputs[1];

    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false) { GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new Record([.. inputs.Select(input => input.alias().DetachFromDisposeScope())], [.. wanted]));

    private sealed class Record(Tensor[] factors, bool[] wanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => factors;

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters) =>
            [Of(gradient, wanted[0], factors[1]), Of(gradient, wanted[1], factors[0])];

        public override void Dispose()
        {
            foreach (var factor in factors)
                factor.Dispose();
        }

        private static LayerGradient? Of(Tensor gradient, bool isWanted, Tensor other) =>
            isWanted ? new(gradient * other, IsExclusive: true) : null;
    }
}

/// <summary>Maps one behind the other along channels.</summary>
internal sealed class ConcatenationLayer : MergingLayer
{
    public override string Name => "Concat";

    internal override LayerMemory MemoryOf(in Patch patch) => new() { GradientIsPart = true };

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs.Sum();

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => cat([.. inputs], 1);

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new Record([.. inputs.Select(input => input.shape[1])], [.. wanted]));

    private sealed class Record(long[] channels, bool[] wanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var gradients = new LayerGradient?[channels.Length];
            long start = 0;
            for (var i = 0; i < channels.Length; start += channels[i++])
            {
                if (wanted[i])
                    gradients[i] = new(gradient.narrow(1, start, channels[i]), IsExclusive: false);
            }

            return gradients;
        }

        public override void Dispose()
        {
        }
    }
}

/// <summary>Some of a map's channels.</summary>
internal sealed class ChannelSliceLayer(long start, long count) : LocalLayer
{
    public override string Name => $"Channels[{start}..{start + count}]";

    public override bool IsPointwise => true;

    public override long OutputChannels(IReadOnlyList<long> inputs) => start >= 0 && count >= 1 && start + count <= inputs[0]
        ? count
        : throw new GeometryException($"takes the channels {start} to {start + count}, but the map has {inputs[0]}");

    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => inputs[0].narrow(1, start, count);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => inputs[0].narrow(1, start, count);

    internal override LayerMemory MemoryOf(in Patch patch) => new() { OutputIsPart = true, GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new Record(start, inputs[0].shape[1], wanted[0]));

    private sealed class Record(long start, long channels, bool isWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            if (!isWanted)
                return [null];
            var shape = gradient.shape;
            var whole = gradient.Format().Zeros([shape[0], channels, shape[2], shape[3]], gradient.dtype, gradient.device);
            whole.narrow(1, start, shape[1]).copy_(gradient);
            return [new(whole, IsExclusive: true)];
        }

        public override void Dispose()
        {
        }
    }
}

/// <summary>The map as it is.</summary>
internal sealed class IdentityLayer : LocalLayer
{
    public override string Name => "Identity";

    public override bool IsPointwise => true;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => inputs[0].alias();

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => inputs[0].alias();

    internal override LayerMemory MemoryOf(in Patch patch) => new() { OutputIsPart = true, GradientIsPart = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new HandingRecord([wanted[0]]));
}
