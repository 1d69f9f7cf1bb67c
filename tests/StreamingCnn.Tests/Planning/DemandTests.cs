using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// What is asked for, against a walk position by position: whatever a rectangle that is asked for reads is asked for of the tile in which
/// it has its home, and nothing besides the hulls of that.
/// </summary>
public class DemandTests
{
    [Fact]
    public void All_that_is_read_is_asked_for_of_its_home_and_nothing_else() => Gen.Select(
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 7], Gen.Bool),
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[1, 20], Gen.Int[1, 20]),
        Gen.Int[0, 1000],
        Gen.Int[1, 3]).Sample(
        (c, size, order, period) =>
        {
            var (seed, layers, beyondBorder) = c;
            var graph = RandomGraph.Grow(seed, layers, size.Item1, size.Item2, RandomGraph.AllKinds);
            var plan = GridPlan.ExactlyOnce(
                graph, [(size.Item1, size.Item2)], (size.Item3, size.Item4), beyondBorder, period > 1 ? [(2, period)] : null);
            plan = plan.In(TileOrders.Any(plan, order));
            var random = new Random(seed);
            var wanted = new Dictionary<(int Output, Region Owned), Region>();

            var demand = Demand.Of(plan, (output, owned) => wanted[(output, owned)] = Part(random, owned));

            var walked = Walk(plan, wanted);
            if (demand is null)
            {
                Law.Holds(wanted.All(one => one.Value == one.Key.Owned), $"{seed}: all is asked for, though not all is wanted");
                return;
            }

            Law.Holds(wanted.Any(one => one.Value != one.Key.Owned), $"{seed}: all is wanted, and less is asked for");
            var asking = plan.Asking(demand);
            foreach (var tile in plan.Order())
            {
                foreach (var node in graph.Layers.Where(node => !plan.Roles.IsView(node.Index)))
                {
                    var (asked, expected) = (demand.Of(node.Index, tile.Row, tile.Column), walked[tile][node.Index]);
                    Law.Holds(asked == expected, $"{seed}: of {node} {asked} is asked for in {tile}, by the walk {expected}");
                    Law.Holds(asking.Computed(node.Index, tile.Row, tile.Column) == expected, $"{seed}: another part is computed");
                    foreach (var piece in asking.Carry(node.Index)?.Stored(tile.Row, tile.Column) ?? [])
                        Law.Holds(expected.Contains(piece.Held), $"{seed}: {piece} is stored, and not asked for");
                }

                Law.Holds(
                    demand.Of(tile) is null == walked[tile].All(region => region.IsEmpty), $"{seed}: {tile} runs, or not, by mistake");
            }

            foreach (var (output, node) in graph.Outputs.Index())
            {
                foreach (var tile in plan.Order())
                {
                    var owned = plan.Owned(node, tile.Row, tile.Column);
                    var answered = asking.Owned(node, tile.Row, tile.Column);
                    Law.Holds(
                        owned.IsEmpty || answered.Contains(wanted[(output, owned)]) || wanted[(output, owned)].IsEmpty,
                        $"{seed}: {tile} answers for {answered} of {owned}");
                    Law.Holds(owned.Contains(answered), $"{seed}: {tile} answers for {answered}, beyond {owned}");
                }
            }

            // Tiles that ask for the same, counted from their cuts, share it.
            var shared = plan.Order().Select(demand.Of).OfType<Region[]>().ToArray();
            Law.Holds(
                shared.Distinct(ReferenceEqualityComparer.Instance).Count()
                    == shared.Select(regions => string.Join(' ', regions)).Distinct().Count(),
                $"{seed}: tiles that are alike do not share what is asked for");
        },
        iter: 300,
        threads: 1);

    private static Region Part(Random random, Region owned)
    {
        return random.Next(4) switch
        {
            0 => owned,
            1 => default,
            _ => new(Inside(owned.Rows), Inside(owned.Columns)),
        };

        Interval Inside(Interval all)
        {
            var start = all.Start + random.NextInt64(all.Length);
            return new(start, start + 1 + random.NextInt64(all.End - start));
        }
    }

    private static Dictionary<(int Row, int Column), Region[]> Walk(GridPlan plan, Dictionary<(int Output, Region Owned), Region> wanted)
    {
        var graph = plan.Graph;
        var asked = plan.Order().ToDictionary(tile => tile, _ => new Region[graph.Nodes.Count]);
        foreach (var tile in plan.Order().Reverse())
        {
            var own = asked[tile];
            foreach (var (output, node) in graph.Outputs.Index())
            {
                if (wanted.TryGetValue((output, plan.Owned(node, tile.Row, tile.Column)), out var part))
                    own[node] = own[node].Hull(part);
            }

            var windows = new Region[graph.Nodes.Count];
            foreach (var node in graph.Layers.Reverse().Where(node => !plan.Roles.IsView(node.Index)))
            {
                // Each position of the window counts for the tile that computes it.
                foreach (var home in asked.Keys)
                {
                    var there = plan.Computed(node.Index, home.Row, home.Column).Intersect(windows[node.Index]);
                    asked[home][node.Index] = asked[home][node.Index].Hull(there.IsEmpty ? default : there);
                }

                if (own[node.Index].IsEmpty)
                    continue;
                var read = plan.Patch(node.Index, own[node.Index]).Input;
                foreach (var root in node.Inputs.Select(plan.Roles.Root))
                    windows[root] = windows[root].Hull(read);
            }
        }

        return asked;
    }
}
