using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// Overlapping tiles along one axis: each tile owns an interval of the outputs and computes by itself all that the interval reads. Only the
/// forward halo is computed twice, since the gradient of the loss is linear in the gradient of the output.
/// </summary>
internal sealed class OverlapLayout : AxisLayout
{
    private readonly ExactlyOnceLayout owners;
    private readonly Interval[][] computed;

    public OverlapLayout(AxisNetwork network, ExactlyOnceLayout owners)
        : base(network)
    {
        this.owners = owners;
        var nodes = network.Graph.Nodes;
        computed = nodes.Select(_ => new Interval[owners.Steps]).ToArray();
        for (var step = 0; step < owners.Steps; step++)
        {
            foreach (var output in network.Graph.Outputs)
                computed[output][step] = owners.Owned(output, step);
            for (var i = nodes.Count - 1; i > 0; i--)
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
    public override int Steps => owners.Steps;

    /// <inheritdoc/>
    public override Interval Computed(int node, int step) => computed[node][step];

    /// <inheritdoc/>
    public override Interval Owned(int output, int step) => owners.Owned(output, step);
}
