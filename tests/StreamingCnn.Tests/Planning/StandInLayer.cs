using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Planning;

/// <summary>A layer that has integers but computes nothing: all that planning knows of a layer.</summary>
internal sealed class StandInLayer(string name, Func<Axis, long, AxisMap> along, bool isPointwise = false) : LocalLayer
{
    public override string Name => name;

    public override bool IsPointwise => isPointwise;

    public override long OutputChannels(IReadOnlyList<long> inputs) => 1;

    public override AxisMap Along(Axis axis, long length) => along(axis, length);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => throw new NotSupportedException();

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => throw new NotSupportedException();

    /// <summary>A network of maps one behind the other, the same along both axes.</summary>
    public static NetworkGraph Chain(params IReadOnlyList<AxisMap> maps)
    {
        var nodes = new List<GraphNode> { new(0, null, [], 1, "image") };
        foreach (var map in maps)
            nodes.Add(new(nodes.Count, new StandInLayer(map.GetType().Name, (_, _) => map), [nodes.Count - 1], 1, $"layer{nodes.Count}"));
        return new(nodes, [maps.Count]);
    }
}
