using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Grids of both axes: each is cut by its own side of the tile, and positions are counted from a tile's own cut.</summary>
public class GridPlanTests
{
    [Fact]
    public void Each_axis_is_cut_by_its_own_side_of_the_tile()
    {
        var graph = RandomGraph.Chain(new(MapKind.Window, 3, 2, 1, 1, 1), new MapSettings(MapKind.Window, 3, 1, 1, 1, 1));
        var (rows, columns) = AxisNetwork.Of(graph, [(100, 60)]);
        (GridPlan Plan, int Rows, int Columns)[] grids =
        [
            (GridPlan.Overlap(rows, columns, (10, 30)), 10, 2),
            (GridPlan.ExactlyOnce(rows, columns, (10, 30), beyondBorder: false), 10, 2),
        ];
        foreach (var (plan, tileRows, tileColumns) in grids)
        {
            Assert.Equal((tileRows, tileColumns), (plan.Rows.Steps, plan.Columns.Steps));
            Assert.Equal((50L, 30L), plan.Size(2));
            Assert.Same(rows, plan.Rows.Network);
            Assert.Same(columns, plan.Columns.Network);
            Assert.False(plan.BeyondBorder);
            Assert.Equal(new HomeRange(0, tileColumns), plan.Stripe);
        }

        Assert.True(GridPlan.ExactlyOnce(rows, columns, (10, 30), beyondBorder: true).BeyondBorder);
        // Late maps wait for tiles of the shorter side, along both axes: 50 rows in shares of 2 * 10, though a tile has 30 columns.
        var late = GridPlan.ExactlyOnce(rows, columns, (10, 30), beyondBorder: false, [(2, 5)]);
        Assert.Equal([(2, 5)], late.Late.Levels);
        Assert.Equal(2, Enumerable.Range(0, 10).Count(step => !late.Rows.Computed(2, step).IsEmpty));
        var oblong = GridPlan.ExactlyOnce(rows, columns, (30, 10), beyondBorder: false, [(2, 3)]);
        Assert.Equal(2, Enumerable.Range(0, 6).Count(step => !oblong.Columns.Computed(2, step).IsEmpty));
    }

    [Fact]
    public void Values_of_rows_and_origins_are_those_of_the_tiles() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 30], Gen.Int[1, 30], Gen.Bool).Sample(
        (seed, layers, height, width, tileHeight, tileWidth, overlaps) =>
        {
            var graph = RandomGraph.Grow(seed, layers, height, width, RandomGraph.AllKinds);
            var (rows, columns) = AxisNetwork.Of(graph, [(height, width)]);
            var plan = overlaps ? GridPlan.Overlap(rows, columns, (tileHeight, tileWidth))
                : GridPlan.ExactlyOnce(rows, columns, (tileHeight, tileWidth), beyondBorder: seed % 2 == 0);
            foreach (var output in graph.Outputs)
            {
                var most = Enumerable.Range(0, plan.Rows.Steps).Max(row =>
                    Enumerable.Range(0, plan.Columns.Steps).Sum(column => plan.Owned(output, row, column).Area));
                Law.Holds(
                    plan.ValuesOfRows(output) == most * graph.Nodes[output].Channels,
                    $"seed {seed}: {plan.ValuesOfRows(output)} values of a row, by tiles {most}");
            }

            foreach (var (row, column) in plan.Order())
            {
                foreach (var node in graph.Layers)
                {
                    var computed = plan.Computed(node.Index, row, column);
                    Law.Holds(
                        plan.Origin(node.Index, row, column) == new Corner(computed.Rows.Start, computed.Columns.Start),
                        $"seed {seed}: {node} is counted from {plan.Origin(node.Index, row, column)} in {row}, {column}");
                }
            }

            foreach (var map in graph.Nodes)
            {
                for (var node = 0; node <= graph.Nodes.Count; node++)
                {
                    var isRead = graph.Layers.Any(reader => reader.Index < node && reader.Inputs.Contains(map.Index));
                    Law.Holds(plan.IsReadBefore(map.Index, node) == isRead, $"seed {seed}: {map} is read before {node}: {isRead}");
                }
            }
        },
        iter: 200,
        threads: 1);
}
