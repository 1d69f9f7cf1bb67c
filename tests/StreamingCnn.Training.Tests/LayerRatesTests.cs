using StreamingCnn.Models;
using StreamingCnn.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests;

/// <summary>Layers learn at the share of the rate that they are given, and by default all alike.</summary>
public class LayerRatesTests
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    /// <summary>
    /// Of Adam the first update is the rate for each weight, whatever its gradient is, so that shares can be seen.
    /// </summary>
    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Adam)]
    public void The_first_update_is_each_layers_share(OptimizerKind optimizer)
    {
        using var model = Samples.Classifier();
        var before = model.named_parameters().ToDictionary(one => one.name, one => one.parameter.detach().clone());
        var options = new TrainingOptions
        {
            Epochs = 1,
            BatchSize = 2,
            LearningRate = 0.01,
            Optimizer = optimizer,
            TrunkRate = 0.5,
            LayerDecay = 0.2,
            WeightDecay = 0,
        };
        using var trainer = new Trainer(model, Classes, options);

        var epoch = trainer.Fit(Samples.Brightness(2), []).Single();

        Assert.Equal(0.01, epoch.LearningRate, 1e-12);
        foreach (var (name, parameter) in model.named_parameters())
        {
            var expected = name.StartsWith("head", StringComparison.Ordinal) ? 0.01
                : name.Contains("conv2", StringComparison.Ordinal) ? 0.01 * 0.5 * 0.2
                : 0.01 * 0.5 * 0.2 * 0.2;
            // A weight without a gradient stays, and epsilon takes a little off a small one.
            var step = (parameter - before[name]).abs().max().item<float>();
            Assert.True(Math.Abs(step - expected) < 0.02 * expected, $"{name}: {step} instead of {expected}");
        }
    }

    [Fact]
    public void Stochastic_descent_moves_layers_by_their_share()
    {
        var all = StepOf(null, null);
        var some = StepOf(0.1, null);

        foreach (var (name, step) in all)
        {
            var share = name.StartsWith("head", StringComparison.Ordinal) ? 1 : 0.1;
            Assert.Equal(share, some[name] / step, 1e-3);
        }

        static Dictionary<string, double> StepOf(double? trunk, double? decay)
        {
            using var model = Samples.Classifier();
            var before = model.named_parameters().ToDictionary(one => one.name, one => one.parameter.detach().clone());
            using var trainer = new Trainer(model, Classes, new()
            {
                Epochs = 1,
                BatchSize = 2,
                LearningRate = 0.1,
                Optimizer = OptimizerKind.Sgd,
                TrunkRate = trunk,
                LayerDecay = decay,
                WeightDecay = 0,
            });
            _ = trainer.Fit(Samples.Brightness(2), []).Single();
            return model.named_parameters().ToDictionary(
                one => one.name, one => (double)(one.parameter - before[one.name]).norm().item<float>());
        }
    }

    /// <summary>Blocks are layers, and norms go with the convolution before them, in networks with torchvision's names.</summary>
    [Fact]
    public void Numbered_blocks_are_layers()
    {
        using var resnet = new ResNetTrunk(18);
        var layers = LayerRates.Layers(resnet.named_parameters());

        // The first convolution, and eight blocks.
        Assert.Equal(9, layers.Count);
        Assert.Equal(resnet.parameters().Count(), layers.Sum(layer => layer.Length));
        using var convnext = ModelCatalog.Create("convnext-tiny", 3);
        // The stem, 3 + 3 + 9 + 3 blocks, and three reductions.
        Assert.Equal(22, LayerRates.Layers(convnext.named_parameters()).Count);
    }

    [Fact]
    public void All_parameters_learn_in_one_group_of_their_own()
    {
        using var model = Samples.Classifier();
        Parameter[] learning = [.. model.parameters()];
        var groups = LayerRates.Of(new() { LayerDecay = 0.5 }, learning, model.Trunk);

        Assert.Equal([1, 0.25, 0.5], groups.Select(group => group.Factor));
        Assert.Equal(
            learning.Select(one => one.Handle).Order(), groups.SelectMany(group => group.Parameters).Select(one => one.Handle).Order());
        // What does not learn is in none.
        model.Trunk.parameters().First().requires_grad = false;
        groups = LayerRates.Of(new() { LayerDecay = 0.5 }, [.. learning.Where(one => one.requires_grad)], model.Trunk);
        Assert.Equal(learning.Length - 1, groups.Sum(group => group.Parameters.Length));
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Adam)]
    [InlineData(OptimizerKind.Sgd)]
    public void A_run_goes_on_with_its_shares_bit_for_bit(OptimizerKind optimizer)
    {
        using var folder = new TemporaryFolder();
        var options = new TrainingOptions
        {
            Epochs = 4,
            BatchSize = 2,
            Optimizer = optimizer,
            TrunkRate = 0.5,
            LayerDecay = 0.7,
            Checkpoint = folder.File("checkpoint"),
        };
        using var whole = Samples.Classifier();
        using (var trainer = new Trainer(whole, Classes, options with { Checkpoint = null }))
            _ = trainer.Fit(Samples.Brightness(6), []).ToArray();
        using (var first = Samples.Classifier())
        using (var trainer = new Trainer(first, Classes, options))
            _ = trainer.Fit(Samples.Brightness(6), []).Take(2).ToArray();
        using var second = Samples.Classifier();
        using var resumed = new Trainer(second, Classes, options);
        resumed.Resume();
        _ = resumed.Fit(Samples.Brightness(6), []).ToArray();

        var expected = whole.state_dict();
        foreach (var (name, value) in second.state_dict())
            Assert.True(expected[name].bytes.SequenceEqual(value.bytes), name);
        using var other = new Trainer(second, Classes, options with { LayerDecay = 0.9 });
        Assert.Contains("LayerDecay 0.7 instead of 0.9", Assert.Throws<TrainingException>(other.Resume).Message);
    }

    [Fact]
    public void Shares_out_of_range_are_refused()
    {
        using var model = Samples.Classifier();
        var refused = Assert.Throws<ArgumentException>(() => new Trainer(model, Classes, new() { TrunkRate = 0, LayerDecay = 1.5 }));
        Assert.Contains("TrunkRate is 0, but must be above 0 and at most 1; LayerDecay is 1.5, but must be above 0", refused.Message);
    }
}
