using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>What is chosen within a budget, against plans of the plain way with tiles of all sides.</summary>
public class PlannerChoiceTests
{
    /// <summary>Nothing that was to be compared would have been faster: square tiles of the seven largest sides that fit.</summary>
    [Fact]
    public void No_square_tile_of_the_largest_that_fit_is_faster_and_the_smallest_budget_is_that_of_the_best_of_all() => Gen.Select(
        Gen.Int[0, 1000], Gen.Long[40, 500], Gen.Long[40, 500], Gen.Double[0, 1]).Sample(
        (seed, height, width, share) =>
        {
            using var scope = NewDisposeScope();
            var graph = Network(seed);
            var trunk = new TrunkCost(graph, [false], 1, 4, new());
            var models = Sides(Math.Max(height, width)).Select(side => Best(side)).ToArray();
            var least = models.Min(model => model.LeastBytes);
            Assert.Equal(StepModel.BudgetFor(least), Planner.SmallestBudget(graph, new(), trunk, (height, width)));
            Assert.Equal(least, Model(Planner.Least(graph, new(), trunk, (height, width))).LeastBytes);
            var budget = StepModel.BudgetFor((long)(least * (1 + (3 * share * share))));
            var within = StepModel.Within(budget);
            var fitting = models.Index().Where(model => model.Item.LeastBytes <= within).Select(model => model.Index).First();

            var chosen = Planner.Choose(graph, new() { MemoryBudget = budget }, trunk, (height, width));

            var model = Model(chosen);
            Assert.True(model.Bytes(chosen.Kept) <= within);
            // All is kept where it can be.
            if (models[0].AllKeptBytes <= within && models[0].EndBytes <= within)
                Assert.True(chosen.Kept.IsAll && chosen.Grid.Order().Count == 1);
            // The largest that fits is looked for by halves, as if memory grew with the side: on narrow images it may not.
            if (models.Skip(fitting).Any(other => other.LeastBytes > within))
                return;
            // What is kept is looked at closely in the end alone.
            foreach (var other in models.Skip(fitting).Take(7).Where(other => other.Bytes(other.Keep(within, roughly: true)) <= within))
                Assert.InRange(model.Seconds(chosen.Kept), 0, 1.001 * other.Seconds(other.Keep(within, roughly: true)));

            StepModel Model(StepPlan plan) => new(plan.Grid, trunk);

            // Tiles beyond the border are worth it where they take three quarters of the memory, parameters left out.
            StepModel Best(long side)
            {
                var tile = (Math.Min(side, height), Math.Min(side, width));
                var inside = new StepModel(GridPlan.ExactlyOnce(graph, [(height, width)], tile, beyondBorder: false), trunk);
                var beyond = new StepModel(GridPlan.ExactlyOnce(graph, [(height, width)], tile, beyondBorder: true), trunk);
                var lag = ExactlyOnceLayout.Lag(inside.Programs.Grid.Rows.Network);
                if (4 * lag < tile.Item1 && 4 * ExactlyOnceLayout.Lag(inside.Programs.Grid.Columns.Network) < tile.Item2)
                    return inside;
                return Bytes(beyond) < 0.75 * Bytes(inside) ? beyond : inside;

                long Bytes(StepModel model) => model.NothingKeptBytes - trunk.ParameterBytes;
            }
        },
        iter: 30,
        threads: 1);

    /// <summary>The whole, then multiples of 32 that shrink by a fifth, down to 32.</summary>
    private static List<long> Sides(long longest)
    {
        var sides = new List<long> { longest };
        for (var side = longest; side > 32;)
        {
            var next = (long)(side * 0.8) / 32 * 32;
            side = sides.Count > 1 ? Math.Min(side - 32, next) : next;
            if (side >= 32)
                sides.Add(side);
        }

        return sides;
    }

    private static NetworkGraph Network(int seed)
    {
        var random = new Random(seed);
        var layers = new List<Module<Tensor, Tensor>>();
        var channels = 3;
        for (var layer = random.Next(1, 5); layer > 0; layer--)
        {
            var next = random.Next(2, 17);
            layers.Add(Conv2d(channels, next, 3, padding: 1, stride: random.Next(1, 3)));
            layers.Add(ReLU());
            channels = next;
        }

        return GraphBuilder.Trace(Sequential(layers), 3).Local;
    }
}
