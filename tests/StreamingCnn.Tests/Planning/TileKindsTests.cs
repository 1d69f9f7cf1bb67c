using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Tests.Planning;

/// <summary>Tiles of a kind do the same: the programs written for each tile by itself are those of its kind's example.</summary>
public class TileKindsTests
{
    [Fact]
    public void Each_tile_does_what_its_kind_does() => Gen.Select(
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Bool, Gen.Bool),
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 25], Gen.Int[1, 25]),
        Gen.Int[1, 3],
        Gen.Int[0, 9],
        Gen.Int[0, 20].Array[1, 3]).Sample(
        (c, size, period, keptFrom, weights) =>
        {
            var (seed, layers, beyondBorder, overlaps) = c;
            var graph = RandomGraph.Grow(seed, layers, size.Item1, size.Item2, RandomGraph.AllKinds);
            var (rows, columns) = AxisNetwork.Of(graph, [(size.Item1, size.Item2)]);
            var tile = ((long)size.Item3, (long)size.Item4);
            if (overlaps)
            {
                Check(GridPlan.Overlap(rows, columns, tile), keptFrom);
                return;
            }

            var plan = GridPlan.ExactlyOnce(rows, columns, tile, beyondBorder, period > 1 ? [(2, period)] : null);
            Check(plan, keptFrom);
            var stripes = Stripes.Balanced(
                [.. Enumerable.Range(0, plan.Columns.Steps).Select(column => (double)weights[column % weights.Length])], weights.Length);
            foreach (var stripe in Enumerable.Range(0, stripes.Count).Select(stripes.Of).Where(stripe => !stripe.IsEmpty))
                Check(plan.Within(stripe), keptFrom);
        },
        iter: 150,
        threads: 1);

    private static void Check(GridPlan plan, int keptFrom)
    {
        var differentiable = new DifferentiablePart(plan.Graph, [true]);
        var programs = new TilePrograms(plan, differentiable);
        var counts = plan.Order().CountBy(programs.KindOf).ToDictionary();
        foreach (var kind in programs.Kinds())
            Law.Holds(programs.Tiles(kind) == counts.GetValueOrDefault(kind), $"{programs.Tiles(kind)} tiles of kind {kind}");
        foreach (var place in plan.Order())
        {
            var (kind, tile) = (programs.KindOf(place), plan.Tile(place.Row, place.Column));
            Same(programs.ForwardOf(tile, keptFrom), programs.Forward(kind, keptFrom));
            Same(programs.BackwardOf(tile, keptFrom), programs.Backward(kind, keptFrom));

            void Same(TileProgram own, TileProgram shared) => Law.Holds(
                own.Instructions.SequenceEqual(shared.Instructions),
                $"Tile {place} does {string.Join("; ", own.Instructions)}, its kind {string.Join("; ", shared.Instructions)}");
        }

        foreach (var node in plan.Graph.Layers)
        {
            var reads = programs.Reads(node.Index);
            Holds(reads.Rows, plan.Rows);
            Holds(reads.Columns, plan.Columns);

            void Holds(IReadOnlyList<long> lengths, AxisLayout axis)
            {
                var own = Enumerable.Range(0, axis.Steps).Where(step => !axis.Computed(node.Index, step).IsEmpty)
                    .Select(step => axis.Patch(node.Index, step).Span)
                    .Select(span => span.Before + span.Interval.Length + span.After).Distinct().Order();
                Law.Holds(own.SequenceEqual(lengths.Order()), $"{node} reads {string.Join(' ', lengths)}");
            }
        }
    }
}
