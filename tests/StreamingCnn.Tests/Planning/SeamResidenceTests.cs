using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// Values of seams at hand, and the bytes that follow from them, against sets of seams: at random graphs, sizes, tiles, late maps and
/// orders of tiles.
/// </summary>
public class SeamResidenceTests
{
    private static readonly Gen<Case> Any = Gen.Select(
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Bool),
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 30], Gen.Int[1, 30]),
        Gen.Int[0, 1000],
        Gen.Int[1, 4],
        (c, size, order, period) => new Case(c.Item1, c.Item2, c.Item3, (size.Item1, size.Item2), (size.Item3, size.Item4), order, period));

    /// <summary>What a tile reads, what it stores and what the next one reads are at hand, each once.</summary>
    [Fact]
    public void What_a_tile_and_the_next_one_need_is_at_hand_each_seam_once() => Any.Sample(
        c =>
        {
            var plan = c.Plan();
            var order = plan.Order();
            var read = order.Select(tile => Read(plan, tile)).ToArray();
            var stored = order.Select(tile => Stored(plan, tile)).ToArray();
            foreach (var (index, held) in new SeamResidence(plan).AtHand().Index())
            {
                HashSet<SeamPiece> forward = [.. read[index], .. stored[index], .. index + 1 < order.Count ? read[index + 1] : []];
                HashSet<SeamPiece> back = [.. read[index], .. index > 0 ? read[index - 1] : []];
                Law.Holds(
                    held == (Values(plan, forward), Values(plan, back), index > 0 ? Values(plan, read[index - 1]) : 0),
                    $"{c}: tile {order[index]} has {held} at hand, by sets {Values(plan, forward)}, {Values(plan, back)}");
            }
        },
        iter: 300,
        threads: 1);

    private static long Values(GridPlan plan, IEnumerable<SeamPiece> seams) =>
        seams.Sum(piece => piece.Held.Area * plan.Graph.Nodes[piece.Seam.Node].Channels);

    private static HashSet<SeamPiece> Stored(GridPlan plan, (int Row, int Column) tile) =>
        [.. Carried(plan).SelectMany(carry => carry.Stored(tile.Row, tile.Column)).Select(Seam)];

    /// <summary>The seams that hold what layers of a tile read of other tiles, also where nobody needs what they make of it.</summary>
    private static HashSet<SeamPiece> Read(GridPlan plan, (int Row, int Column) tile)
    {
        var windows = new Region[plan.Graph.Nodes.Count];
        foreach (var node in plan.Graph.Layers.Where(node => !plan.Roles.IsView(node.Index)))
        {
            if (plan.Computed(node.Index, tile.Row, tile.Column) is not { IsEmpty: false } computed)
                continue;
            foreach (var root in node.Inputs.Select(plan.Roles.Root))
                windows[root] = windows[root].Hull(plan.Patch(node.Index, computed).Input);
        }

        return [.. plan.Graph.Nodes
            .Where(node => plan.Carry(node.Index) is not null && !windows[node.Index].IsEmpty)
            .SelectMany(node => plan.Carry(node.Index)!.Read(tile.Row, tile.Column, windows[node.Index])).Select(Seam)];
    }

    private static SeamPiece Seam(SeamPiece piece) => piece with { Region = piece.Held };

    private static IEnumerable<CarryPlan> Carried(GridPlan plan) =>
        plan.Graph.Nodes.Select(node => plan.Carry(node.Index)).OfType<CarryPlan>();

    private sealed record Case(
        int Seed, int Layers, bool BeyondBorder, (int Height, int Width) Size, (int Height, int Width) Tile, int Order, int Period)
    {
        public GridPlan Plan()
        {
            var graph = RandomGraph.Grow(Seed, Layers, Size.Height, Size.Width, RandomGraph.AllKinds);
            var plan = GridPlan.ExactlyOnce(graph, [Size], Tile, BeyondBorder, Period > 1 ? [(2, Period)] : null);
            return plan.In(TileOrders.Any(plan, Order));
        }
    }
}
