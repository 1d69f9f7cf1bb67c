using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// Overlapping tiles along one axis: each tile owns an interval of the outputs and computes by itself all that the interval reads. Only the
/// forward halo is computed twice, since the gradient of the loss is linear in the gradient of the output.
/// </summary>
internal sealed class OverlapLayout : AxisLayout
{
    private readonly long tile;
    private readonly Interval[][] computed;

    public OverlapLayout(AxisNetwork network, long tile)
        : base(network)
    {
        this.tile = tile;
        var nodes = network.Graph.Nodes;
        Steps = checked((int)Division.Ceiling(network.PaceLength, tile));
        computed = nodes.Select(_ => new Interval[Steps]).ToArray();
        for (var step = 0; step < Steps; step++)
        {
            foreach (var output in network.Graph.Outputs)
                computed[output][step] = computed[output][step].Hull(Owned(output, step));
            for (var i = nodes.Count - 1; i >= network.Graph.FirstLayer; i--)
            {
                if (computed[i][step].IsEmpty)
                    continue;
                var read = network.Map(i).Span(computed[i][step].Start, computed[i][step].End).Interval;
                foreach (var input in nodes[i].Inputs)
                    computed[input][step] = computed[input][step].Hull(read);
            }
        }
    }

    /// <inheritdoc/>
    public override int Steps { get; }

    /// <inheritdoc/>
    public override Interval Computed(int node, int step) => computed[node][step];

    /// <inheritdoc/>
    public override Interval Owned(int output, int step) => new(Cut(output, step), Cut(output, step + 1));

    /// <summary>
    /// Any partition is exact; this one gives every tile the outputs that lie over its own share of the source that sets the pace.
    /// </summary>
    private long Cut(int output, int step)
    {
        long paced = Network.PaceLength, length = Network.Length(output);
        return Division.Ceiling(Math.Min(step * tile, paced) * length, paced);
    }
}
