using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Planning;

/// <summary>A layer that has integers but computes nothing: all that planning knows of a layer.</summary>
internal sealed class StandInLayer(MapSettings rows, MapSettings columns, bool isPointwise = false) : LocalLayer
{
    public override string Name => rows.Kind.ToString();

    public override bool IsPointwise => isPointwise;

    public override long OutputChannels(IReadOnlyList<long> inputs) => 1;

    public override AxisMap Along(Axis axis, long length) => Settings(axis).On(length);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => throw new NotSupportedException();

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => throw new NotSupportedException();

    /// <summary>The settings along one axis.</summary>
    public MapSettings Settings(Axis axis) => axis == Axis.Rows ? rows : columns;
}
