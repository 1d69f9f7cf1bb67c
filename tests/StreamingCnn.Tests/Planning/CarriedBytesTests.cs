using CsCheck;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// Bytes of what tiles leave for one another while each runs, against a walk through the tiles with the seams by name: with a backward pass
/// and without, in the memory that is counted and elsewhere.
/// </summary>
public class CarriedBytesTests
{
    [Fact]
    public void Bytes_are_those_of_the_seams_that_wait() => Gen.Select(
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Int[1, 3]),
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 25], Gen.Int[1, 25]),
        Gen.Int[0, 1000],
        Gen.Int[0, 9],
        Gen.Bool).Sample(
        (c, size, order, keptFrom, wanted) =>
        {
            var (seed, layers, batch) = c;
            var graph = RandomGraph.Grow(seed, layers, size.Item1, size.Item2, RandomGraph.AllKinds);
            var plan = GridPlan.ExactlyOnce(graph, [(size.Item1, size.Item2)], (size.Item3, size.Item4), beyondBorder: seed % 2 == 0);
            plan = plan.In(TileOrders.Any(plan, order));
            TrunkCost Trunk(bool elsewhere) => new(graph, [wanted], batch, 8, new(), elsewhere);
            var valueBytes = 8L * batch;
            var seams = new SeamMemory(plan, Trunk(false).Differentiable.Needs);
            var carried = new CarriedBytes(plan, Trunk(false));
            var forward = new CarriedBytes(plan, Trunk(false).For(Passes.ForwardIntoSinks));
            var away = new CarriedBytes(plan, Trunk(true));
            var awayForward = new CarriedBytes(plan, Trunk(true).For(Passes.ForwardIntoTensors));
            var onTheWay = seams.OnTheWay(valueBytes);
            var tiles = plan.Order();
            var there = new Dictionary<SeamKey, long>();
            var all = new Dictionary<SeamKey, long>();
            var gradients = seams.Held().Select(held => held.Gradients).ToArray();
            var atHand = new SeamResidence(plan).AtHand().ToArray();
            var most = 0L;
            for (var index = 0; index < tiles.Count; index++)
            {
                var (row, column) = tiles[index];
                var stored = 0L;
                foreach (var (node, carry) in Carried(plan))
                {
                    foreach (var piece in carry.Stored(row, column))
                    {
                        there.Add(piece.Seam, piece.Held.Area * node.Channels);
                        all.Add(piece.Seam, there[piece.Seam]);
                        stored += there[piece.Seam];
                    }
                }

                most = Math.Max(most, stored);
                Same(forward.At(index, keptFrom), (there.Values.Sum() * valueBytes, 0), "forwards");
                // Maps that are read again wait for the backward pass, others are freed.
                var waiting = all.Where(seam => IsReadAgain(seam.Key.Node) || there.ContainsKey(seam.Key)).Sum(seam => seam.Value);
                Law.Holds(
                    carried.At(index, keptFrom).Forward == waiting * valueBytes,
                    $"{seed}: {tiles[index]} holds {carried.At(index, keptFrom)} from {keptFrom} on, by the walk {waiting * valueBytes}");
                var (near, recomputing, reversing) = atHand[index];
                Same(awayForward.At(index, keptFrom), ((near * valueBytes) + onTheWay, 0), "elsewhere, forwards");
                var back = Math.Max(recomputing, reversing) + gradients[index];
                Same(away.At(index, keptFrom), ((near * valueBytes) + onTheWay, (back * valueBytes) + onTheWay), "elsewhere");
                foreach (var seam in Carried(plan).SelectMany(map => map.Carry.Lives.LastReadBy(row, column)))
                    there.Remove(seam);
            }

            var values = all.Where(seam => IsReadAgain(seam.Key.Node)).ToDictionary();
            for (var index = tiles.Count - 1; index >= 0; index--)
            {
                Law.Holds(
                    carried.At(index, keptFrom).Backward == (values.Values.Sum() + gradients[index]) * valueBytes,
                    $"{seed}: {tiles[index]} holds {carried.At(index, keptFrom)} on the way back, by the walk {values.Values.Sum()}");
                foreach (var seam in Carried(plan).SelectMany(map => map.Carry.Lives.FirstReadBy(tiles[index].Row, tiles[index].Column)))
                    values.Remove(seam);
            }

            // What a tile stores may be on its way, in one piece at least, and 64 MiB of many.
            Law.Holds(onTheWay == most * valueBytes, $"{seed}: {onTheWay} bytes are on their way, a tile stores {most} values");
            Law.Holds(
                seams.OnTheWay(1 << 30) == Math.Max(Math.Min(64 << 20, most << 30), all.Values.DefaultIfEmpty().Max() << 30),
                $"{seed}: {seams.OnTheWay(1 << 30)} bytes of large values are on their way");

            bool IsReadAgain(int map) => graph.Layers.Any(reader => reader.Index < keptFrom && reader.Inputs.Contains(map));

            void Same((long, long) model, (long, long) walk, string what) =>
                Law.Holds(model == walk, $"{seed}: a tile holds {model} {what}, by the walk {walk}");
        },
        iter: 200,
        threads: 1);

    private static IEnumerable<(GraphNode Node, CarryPlan Carry)> Carried(GridPlan plan) =>
        plan.Graph.Nodes.Where(node => plan.Carry(node.Index) is not null).Select(node => (node, plan.Carry(node.Index)!));
}
