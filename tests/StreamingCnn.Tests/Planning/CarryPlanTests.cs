using CsCheck;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// The carry played through tile by tile in two dimensions, without values: what a tile's windows read has been stored, once, and is there;
/// what is stored is freed once; and the memory model says what is held. At random graphs, image sizes, tiles, late maps, and orders of
/// tiles.
/// </summary>
public class CarryPlanTests
{
    [Fact]
    public void What_is_read_was_stored_once_and_is_freed_once_and_the_model_counts_it() => Gen.Select(
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Bool),
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40]),
        Gen.Select(Gen.Int[1, 45], Gen.Int[1, 45]),
        Gen.Int[0, 1000],
        Gen.Int[1, 4]).Sample(
        (c, size, tile, order, period) =>
        {
            var (seed, layers, beyondBorder) = c;
            var graph = RandomGraph.Grow(seed, layers, size.Item1, size.Item2, RandomGraph.AllKinds);
            var plan = GridPlan.ExactlyOnce(
                graph, [(size.Item1, size.Item2)], (tile.Item1, tile.Item2), beyondBorder, period > 1 ? [(2, period)] : null);
            Play(plan.In(TileOrders.Any(plan, order)), oneReader: false);
        },
        iter: 400,
        threads: 1);

    /// <summary>What tiles to the left have left comes before a row's first tile in the stripe, from whoever runs them.</summary>
    [Fact]
    public void So_it_is_in_each_stripe_of_several_processes() => Gen.Select(
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Bool),
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40]),
        Gen.Select(Gen.Int[1, 45], Gen.Int[1, 12]),
        Gen.Int[0, 20].Array[1, 5],
        Gen.Int[1, 4]).Sample(
        (c, size, tile, weights, period) =>
        {
            var (seed, layers, beyondBorder) = c;
            var graph = RandomGraph.Grow(seed, layers, size.Item1, size.Item2, RandomGraph.AllKinds);
            var plan = GridPlan.ExactlyOnce(
                graph, [(size.Item1, size.Item2)], (tile.Item1, tile.Item2), beyondBorder, period > 1 ? [(2, period)] : null);
            var stripes = Stripes.Balanced(
                [.. Enumerable.Range(0, plan.Columns.Steps).Select(column => (double)weights[column % weights.Length])], weights.Length);
            for (var rank = 0; rank < stripes.Count; rank++)
            {
                if (!stripes.Of(rank).IsEmpty)
                    Play(plan.Within(stripes.Of(rank)), oneReader: false, (stripes, rank));
            }
        },
        iter: 300,
        threads: 1);

    [Fact]
    public void Tiles_of_one_pixel_find_theirs_as_well()
    {
        var graph = RandomGraph.Chain(
            new(MapKind.Window, 3, 1, 1, 1, 1),
            new(MapKind.Window, 3, 2, 1, 1, 1),
            new(MapKind.Transposed, 3, 2, 1, 1, 1),
            new(MapKind.Reflection, Before: 2, After: 3),
            new(MapKind.Window, 5));
        foreach (var beyondBorder in new[] { true, false })
        {
            var plan = GridPlan.ExactlyOnce(graph, [(13, 11)], (1, 1), beyondBorder);
            for (var order = 0; order < 4; order++)
                Play(plan.In(TileOrders.Any(plan, order)), oneReader: true);
        }
    }

    [Fact]
    public void The_carry_is_never_larger_than_the_map()
    {
        // Strips of 6 positions at tiles of 2: they would hold the map several times over. Nobody reads of the last tile.
        var graph = RandomGraph.Chain(new(MapKind.Window, 3, 1, 1, 1, 1), new MapSettings(MapKind.Window, 7, 1, 1, 3, 3));
        var plan = GridPlan.ExactlyOnce(graph, [(40, 30)], (2, 2), beyondBorder: true);

        var last = plan.Computed(1, plan.Rows.Steps - 1, plan.Columns.Steps - 1);
        Assert.InRange(plan.Carry(1)!.Positions, 38 * 28, (40 * 30) - last.Area);
        Assert.Null(plan.Carry(2));
    }

    [Fact]
    public void Seams_of_a_plan_are_counted_in_a_moment()
    {
        // Two hundred thousand tiles, and a pattern that repeats along both axes.
        var graph = RandomGraph.Chain([.. Enumerable.Repeat(new MapSettings(MapKind.Window, 3, 1, 1, 1, 1), 40)]);
        var plan = GridPlan.ExactlyOnce(graph, [(16_000, 12_800)], (32, 32), beyondBorder: true);
        var before = Environment.CpuUsage.UserTime;

        var memory = new SeamMemory(plan, _ => true);

        Assert.True(Environment.CpuUsage.UserTime - before < TimeSpan.FromSeconds(1));
        Assert.True(memory.MostForward < plan.CarriedValues / 100);
    }

    [Fact]
    public void An_order_in_which_a_tile_comes_before_one_that_it_reads_is_refused()
    {
        Assert.Throws<ArgumentException>(() => TileOrder.Of(2, 2, [(0, 0), (1, 1), (0, 1), (1, 0)]));
        Assert.Throws<ArgumentException>(() => TileOrder.Of(1, 2, [(0, 0)]));
        Assert.Throws<ArgumentException>(() => TileOrder.Of(1, 2, [(0, 0), (0, 0)]));
        Assert.Throws<ArgumentException>(() => TileOrder.Of(2, 2, [(0, 0), (1, 0), (1, 1), (0, 1)]));
        Assert.Throws<ArgumentException>(() => TileOrder.Of(2, 2, [(0, 0), (0, 1), (1, 1), (1, 0)]));
        Assert.Throws<ArgumentException>(() => TileOrder.Of(2, 2, [(0, 0), (0, 1), (1, 0), (1, 0)]));
        Assert.Equal([(0, 0), (1, 0), (0, 1), (1, 1)], TileOrder.Of(2, 2, [(0, 0), (1, 0), (0, 1), (1, 1)]));
    }

    /// <param name="plan">The plan.</param>
    /// <param name="oneReader">Whether each map has one reader, so that all its gradients arise where the model says; with several they
    /// may come later.</param>
    /// <param name="part">Of several processes' stripes the one that is played; null for one process.</param>
    private static void Play(GridPlan plan, bool oneReader, (Stripes Stripes, int Rank)? part = null)
    {
        var order = plan.Order();
        var received = part is var (stripes, rank) ? Received(plan, stripes, rank) : _ => [];
        var model = new SeamMemory(plan, _ => true).Held().ToArray();
        var values = new Dictionary<SeamKey, long>();
        long stored = 0, bytes = 0;
        for (var index = 0; index < order.Count; index++)
        {
            var tile = plan.Tile(order[index].Row, order[index].Column);
            foreach (var (node, carry) in Carried(plan))
            {
                foreach (var piece in carry.Stored(tile.Row, tile.Column))
                {
                    Law.Holds(
                        plan.Computed(node.Index, tile.Row, tile.Column).Contains(piece.Held),
                        $"{node}: a tile stores {piece}, and does not compute it");
                    values.Add(piece.Seam, piece.Held.Area * node.Channels);
                    bytes += values[piece.Seam];
                    stored += values[piece.Seam];
                }
            }

            foreach (var (seam, length) in received(order[index]))
            {
                values.Add(seam, length);
                bytes += length;
                stored += length;
            }

            foreach (var seam in Reads(plan, tile))
                Law.Holds(values.ContainsKey(seam), $"{seam} is read by {order[index]} before it is stored or after it was freed");
            Law.Holds(bytes == model[index].Forward, $"Tile {order[index]} holds {bytes}, by the model {model[index].Forward}");
            foreach (var seam in Carried(plan).SelectMany(map => map.Carry.Lives.LastReadBy(tile.Row, tile.Column)))
            {
                Law.Holds(values.Remove(seam, out var freed), $"{seam} is freed by {order[index]} and is not there");
                bytes -= freed;
            }
        }

        Law.Holds(values.Count == 0, $"{values.Keys.FirstOrDefault()} is left at the end");
        // Between what a process reads and its own columns there may be others, which are counted.
        Law.Holds(
            part is null ? stored == plan.CarriedValues : stored <= plan.CarriedValues,
            $"{stored} values are stored, the plan says {plan.CarriedValues}");
        PlayBackwards(plan, model, oneReader, received);
    }

    /// <summary>What other processes' tiles have left, where it comes: at the first tile of each row.</summary>
    private static Func<(int Row, int Column), IEnumerable<(SeamKey Seam, long Values)>> Received(GridPlan plan, Stripes stripes, int rank)
    {
        var traffic = new SeamTraffic(plan, stripes);
        return tile => tile.Column > plan.Stripe.Start ? [] : Enumerable.Range(0, rank)
            .SelectMany(other => traffic.Of(tile.Row, other, rank))
            .Select(strip => (strip.Piece.Seam, strip.Channels * strip.Piece.Held.Area));
    }

    private static void PlayBackwards(
        GridPlan plan,
        SeamsHeld[] model,
        bool oneReader,
        Func<(int Row, int Column), IEnumerable<(SeamKey Seam, long Values)>> received)
    {
        var order = plan.Order();
        var values = order
            .SelectMany(tile => Carried(plan).SelectMany(map => map.Carry.Stored(tile.Row, tile.Column)
                .Select(piece => (piece.Seam, Values: piece.Held.Area * map.Node.Channels))).Concat(received(tile)))
            .ToDictionary(stored => stored.Seam, stored => stored.Values);
        var sizes = values.ToDictionary();
        var gradients = new HashSet<SeamKey>();
        for (var index = order.Count - 1; index >= 0; index--)
        {
            var (place, held) = (order[index], model[index]);
            var reads = Reads(plan, plan.Tile(place.Row, place.Column)).ToArray();
            foreach (var seam in reads)
                Law.Holds(values.ContainsKey(seam), $"{seam} is read by {place} on the way back after it was freed");
            Holds(held.Values, held.GradientsBefore);
            foreach (var seam in Carried(plan).SelectMany(map => map.Carry.Lives.FirstReadBy(place.Row, place.Column)))
                Law.Holds(values.Remove(seam), $"{seam} is freed by {place} on the way back and is not there");
            gradients.UnionWith(reads);
            Holds(held.ValuesLeft, held.Gradients);
            gradients.ExceptWith(Carried(plan).SelectMany(map => map.Carry.Stored(place.Row, place.Column)).Select(piece => piece.Seam));
            gradients.ExceptWith(received(place).Select(strip => strip.Seam));

            void Holds(long expected, long expectedGradients)
            {
                var sum = values.Values.Sum();
                Law.Holds(sum == expected, $"Tile {place} holds {sum} on the way back, by the model {expected}");
                var sent = gradients.Sum(seam => sizes[seam]);
                Law.Holds(
                    oneReader ? sent == expectedGradients : sent <= expectedGradients,
                    $"Tile {place} holds {sent} gradients, by the model {expectedGradients}");
            }
        }

        Law.Holds(values.Count == 0 && gradients.Count == 0, $"{values.Count} seams and {gradients.Count} gradients are left at the end");
    }

    /// <summary>The seams that a tile's windows read, held against what the tile does not compute itself.</summary>
    private static IEnumerable<SeamKey> Reads(GridPlan plan, TileLayout tile)
    {
        foreach (var node in plan.Graph.Layers.Where(node => !plan.Roles.IsView(node.Index)))
        {
            var own = plan.Computed(node.Index, tile.Row, tile.Column);
            var window = tile.Window(node.Index);
            var missing = window.Area - window.Intersect(own).Area;
            if (window.IsEmpty || missing == 0)
                continue;
            Law.Holds(
                plan.Carry(node.Index) is not null,
                $"{node}: tile {tile.Row}, {tile.Column} reads {window}, of which it computes {own}, and nothing is carried");
            foreach (var piece in plan.Carry(node.Index)!.Read(tile.Row, tile.Column, window))
            {
                Law.Holds(
                    window.Contains(piece.Region) && piece.Held.Contains(piece.Region) && piece.Region.Intersect(own).IsEmpty,
                    $"{node}: tile {tile.Row}, {tile.Column} with {own} reads {piece} into {window}");
                missing -= piece.Region.Area;
                yield return piece.Seam;
            }

            // Pieces lie in the window and outside of its own rectangle; if they overlapped, some other position would be missing.
            Law.Holds(missing == 0, $"{node}: tile {tile.Row}, {tile.Column} lacks {missing} positions of {window}");
        }
    }

    private static IEnumerable<(GraphNode Node, CarryPlan Carry)> Carried(GridPlan plan) =>
        plan.Graph.Nodes.Where(node => plan.Carry(node.Index) is not null).Select(node => (node, plan.Carry(node.Index)!));
}
