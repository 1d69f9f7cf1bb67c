using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests;

public class LearningRateSearchTests
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    [Fact]
    public void The_suggestion_is_where_the_loss_falls_most_steeply()
    {
        const double Steepest = 1e-3;
        var random = new Random(1);
        // A fall around 1e-3, over two decades; and a rise beyond 1.
        var search = Search(rate => (1 / (1 + Math.Pow(rate / Steepest, 2))) + 0.1 + Math.Pow(rate, 4) + (0.02 * random.NextDouble()));

        Assert.InRange(search.Suggestion!.Value, Steepest / 2, Steepest * 2);
        Assert.True(search.HasDiverged);
        Assert.InRange(search.Trials[^1].Rate, 1, 5);
    }

    /// <summary>Batches differ, and where nothing is learnt the steepest line through their losses is chance.</summary>
    [Fact]
    public void What_falls_by_chance_is_not_suggested()
    {
        var random = new Random(2);
        var found = Enumerable.Range(0, 100).Count(_ => Search(_ => 1 + random.NextDouble()).Suggestion is not null);
        Assert.InRange(found, 0, 2);
    }

    [Fact]
    public void A_batch_that_is_easy_by_chance_ends_nothing_and_one_without_a_number_does()
    {
        var (steady, broken) = (0, 0);
        var search = Search(rate => ++steady == 2 ? 0.01 : 1 - (0.1 * Math.Log10(rate / LearningRateSearch.Lowest)));
        Assert.False(search.HasDiverged);
        Assert.Equal(100, search.Trials.Count);

        Assert.Equal(7, Search(_ => ++broken == 7 ? double.PositiveInfinity : 1).Trials.Count);
        Assert.Null(Search(rate => 1 + rate).Suggestion);
        Assert.Null(new LearningRateSearch([]).Suggestion);
    }

    [Fact]
    public void A_test_ends_where_training_diverges_and_leaves_all_as_it_was()
    {
        var task = new RegressionTask(["brightness"]);
        using var model = Samples.Classifier(outputs: 1);
        manual_seed(12);
        var before = Copy(model);
        var numbers = random.get_rng_state();
        // All images in each update: no batch is easier than another.
        var options = new TrainingOptions { BatchSize = 6, Optimizer = OptimizerKind.Sgd, Momentum = 0.9, WeightDecay = 0 };
        using var trainer = new Trainer(model, task, options);
        var told = 0;

        var search = trainer.FindRate(
            Samples.Brightness(6), 60, new Told(() => told++), TestContext.Current.CancellationToken);

        Assert.True(search.HasDiverged);
        Assert.Equal(search.Trials.Count, told);
        Assert.InRange(search.Trials.Count, 30, 59);
        Assert.Equal(LearningRateSearch.Lowest, search.Trials[0].Rate);
        Assert.InRange(search.Suggestion!.Value, 1e-4, 3);
        Assert.True(before.Zip(Copy(model)).All(pair => pair.First.equal(pair.Second).all().item<bool>()));
        Assert.True(numbers.equal(random.get_rng_state()).all().item<bool>());
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));

        // What was suggested is of use.
        using var next = new Trainer(model, task, options with { LearningRate = search.Suggestion.Value, Epochs = 20 });
        var epochs = next.Fit(Samples.Brightness(6), []).ToArray();
        var (first, last) = (epochs[0].Training.Loss, epochs[^1].Training.Loss);
        Assert.True(last < 0.8 * first, $"{first} to {last} at {search.Suggestion}");
    }

    [Fact]
    public void A_frozen_trunk_does_not_move_and_a_test_may_be_stopped()
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, new() { BatchSize = 2, FrozenEpochs = 1 });
        using var cancel = new CancellationTokenSource();
        var trunk = model.Features.parameters().Select(parameter => parameter.detach().clone()).ToArray();
        var (told, moved) = (0, 0);

        var search = trainer.FindRate(
            Samples.Brightness(4),
            40,
            new Told(() =>
            {
                moved += model.Features.parameters().Zip(trunk).Count(pair => !pair.First.equal(pair.Second).all().item<bool>());
                if (++told == 25)
                    cancel.Cancel();
            }),
            cancel.Token);

        Assert.Equal(25, search.Trials.Count);
        Assert.Equal(0, moved);
    }

    [Fact]
    public void Table_and_plot_are_written()
    {
        using var folder = new TemporaryFolder();
        RateFigure.Write(Search(rate => 1 + Math.Pow(rate, 3) - (0.3 / (1 + (1e-4 / rate)))), folder.Path);

        var lines = File.ReadAllLines(folder.File("rates.csv"));
        Assert.Equal("rate,loss,smoothed", lines[0]);
        Assert.StartsWith("1E-07,", lines[1]);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], File.ReadAllBytes(folder.File("rates.png"))[..4]);
    }

    private static LearningRateSearch Search(Func<double, double> loss)
    {
        const int Updates = 100;
        return new RateTest(
            new() { BatchSize = 2 }, Samples.Brightness(3), (_, _, _, rate) => (loss(rate), 1)).Run(Updates, null, () => false);
    }

    private static Tensor[] Copy(nn.Module model) => [.. model.state_dict().Values.Select(value => value.detach().clone())];

    private sealed class Told(Action tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell();
    }
}
