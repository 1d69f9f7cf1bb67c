using CsCheck;
using StreamingCnn.Execution;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// However much is kept from the forward pass, and whatever of it is computed again, outputs and gradients are the same to the last bit.
/// </summary>
public class KeptExactnessTests
{
    [Fact]
    public void What_is_kept_changes_no_bit()
    {
        var cuts = new HashSet<int>();
        var (side, tile) = (Gen.Int[1, 60], Gen.Int[1, 30]);
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 12], side, side, tile, tile, Gen.Double[0, 1]).Sample(
            (seed, layers, height, width, tileHeight, tileWidth, share) =>
            {
                using var scope = NewDisposeScope();
                using var network = new RandomNetwork(seed, layers, 3, height, width);
                var graph = GraphBuilder.Trace(network, 3).Local;
                var grid = GridPlan.ExactlyOnce(graph, [(height, width)], (tileHeight, tileWidth), beyondBorder: seed % 2 == 0);
                var model = new StepModel(
                    grid, new TrunkCost(graph, wanted: [true], batch: 1, elementSize: sizeof(double), new ComputeRates()));
                var image = randn(1, 3, height, width, dtype: ScalarType.Float64);
                var kept = model.Keep(model.LeastBytes + (long)(share * (model.AllKeptBytes - model.LeastBytes)));
                cuts.Add(kept.Cut);

                var expected = Run(model, model.Keep(long.MaxValue / 2), image);
                var actual = Run(model, kept, image);

                Assert.Equal(expected.Length, actual.Length);
                foreach (var (a, b) in expected.Zip(actual))
                    Assert.True(Compare.AreEqual(a, b), network.ToString());
            },
            iter: Cases.Or(40),
            threads: 1);
        Assert.True(cuts.Count > 5, $"Records were kept from {string.Join(", ", cuts)} on.");
    }

    private static Tensor[] Run(StepModel model, KeptLayers kept, Tensor image)
    {
        using var run = new StreamedRun(
            new StepPlan(model.Programs.Grid, model.Programs, kept, default),
            new SourceSet(new TensorSource(image, ScalarType.Float64, CPU) { GradientIsWanted = true }),
            new() { MapType = ScalarType.Float64, WillReverse = true });
        var outputs = TensorSink.Run(run, null);
        MapSource[] gradients = [.. outputs.Select(output => new TensorSource(output.sin(), ScalarType.Float64, CPU))];
        var (ofSources, parameters) = run.Backward(gradients, null);
        return [.. outputs, InScope(ofSources.Single()!), .. parameters.OfType<Tensor>().Select(InScope)];
    }

    private static Tensor InScope(Tensor gradient)
    {
        using (gradient)
            return gradient.alias();
    }
}
