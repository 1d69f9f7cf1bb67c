using StreamingCnn.Geometry;
using StreamingCnn.Graph.Stages;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>A layer that computes in float32 among maps of a narrower type: it widens what it reads and narrows what it gives.</summary>
/// <param name="layer">The layer.</param>
/// <param name="type">The maps' type.</param>
internal sealed class Float32Layer(LocalLayer layer, ScalarType type) : LocalLayer
{
    /// <summary>The layer that computes in float32.</summary>
    public LocalLayer Inner => layer;

    public override Module? Module => layer.Module;

    public override string Name => layer.Name;

    public override bool IsPointwise => layer.IsPointwise;

    public override bool OutputIsFresh => true;

    public override bool IsRandom => layer.IsRandom;

    public override IEnumerable<Parameter> Parameters => layer.Parameters;

    public override string? Refusal => layer.Refusal;

    internal override IEnumerable<Module> Modules => layer.Modules;

    internal override LayerMemory MemoryOf(in Patch patch) => layer.MemoryOf(patch) with
    {
        WideElementSize = sizeof(float),
        OutputIsPart = false,
        GradientIsPart = false,
        GradientIsPadded = false,
        GradientIsFresh = true,
    };

    internal override long RunBytes => layer.RunBytes;

    internal override bool Learns => layer.Learns;

    internal override double WorkPerPosition => layer.WorkPerPosition;

    internal override WorkKind WorkKind => layer.WorkKind;

    internal override double ComparisonsPerPosition => layer.ComparisonsPerPosition;

    public override long? InputChannels => layer.InputChannels;

    public override long OutputChannels(IReadOnlyList<long> inputs) => layer.OutputChannels(inputs);

    public override AxisMap Along(Axis axis, long length) => layer.Along(axis, length);

    internal override AxisMap Fitted(Axis axis, long length, long wanted) => layer.Fitted(axis, length, wanted);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => layer.Compute(Wide(inputs), patch).to(type);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => layer.Whole(Wide(inputs)).to(type);

    internal override LayerRun Start(IRunQuantities? quantities = null) => new WideRun(layer.Start(quantities), type);

    internal override long PaddedPositions(in Patch patch) => layer.PaddedPositions(patch);

    private static Tensor[] Wide(IReadOnlyList<Tensor> inputs) => [.. inputs.Select(input => input.to(ScalarType.Float32))];

    private sealed class WideRun(LayerRun run, ScalarType type) : LayerRun
    {
        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => run.Compute(Wide(inputs), patch).to(type);

        public override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
        {
            var (output, record) = run.Run(Wide(inputs), patch, wanted);
            return (output.to(type), new WideRecord(record, [.. inputs.Select(input => input.dtype)]));
        }

        public override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
            new WideRecord(run.RecordAlone(Wide(inputs), patch, wanted), [.. inputs.Select(input => input.dtype)]);

        public override void Finish(IGradientSink parameters) => run.Finish(parameters);

        public override void Dispose() => run.Dispose();
    }

    private sealed class WideRecord(LayerRecord record, ScalarType[] types) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => record.Held;

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            using var wide = gradient.to(ScalarType.Float32);
            return [.. record.Backward(wide, parameters).Select((part, i) => part is not { } wanted ? part : Narrow(wanted, types[i]))];
        }

        public override void Dispose() => record.Dispose();

        private static LayerGradient Narrow(in LayerGradient gradient, ScalarType type)
        {
            if (gradient.Tensor.dtype == type)
                return gradient;
            using (gradient.Tensor)
                return new(gradient.Tensor.to(type), IsExclusive: true);
        }
    }
}
