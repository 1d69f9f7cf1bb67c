using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Overlapping tiles along one axis.</summary>
public class OverlapLayoutTests
{
    [Fact]
    public void Outputs_are_owned_once_and_a_tile_computes_all_that_its_own_read() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 120], Gen.Int[1, 70]).Sample(
        (seed, layers, length, tile) =>
        {
            var graph = RandomGraph.Grow(seed, layers, length, length, RandomGraph.AllKinds);
            var layout = new OverlapLayout(new AxisNetwork(graph, Axis.Rows, length), tile);
            foreach (var output in graph.Outputs)
            {
                long covered = 0;
                for (var step = 0; step < layout.Steps; step++)
                {
                    var owned = layout.Owned(output, step);
                    Law.Holds(owned.Start == covered, $"seed {seed}: tile {step} owns {owned} after {covered}");
                    Law.Holds(
                        layout.Computed(output, step).Contains(owned),
                        $"seed {seed}: tile {step} owns {owned}, but computes {layout.Computed(output, step)}");
                    covered = owned.End;
                }

                Law.Holds(covered == layout.Network.Length(output), $"seed {seed}: output {output} is owned up to {covered}");
            }

            foreach (var node in graph.Layers)
            {
                for (var step = 0; step < layout.Steps; step++)
                {
                    if (layout.Computed(node.Index, step).IsEmpty)
                        continue;
                    var read = layout.Patch(node.Index, step).Span.Interval;
                    foreach (var input in node.Inputs)
                        Law.Holds(
                            layout.Computed(input, step).Contains(read),
                            $"seed {seed}: {node} in tile {step} reads {read}, computed is {layout.Computed(input, step)}");
                }
            }
        },
        iter: 1500,
        threads: 1);
}
