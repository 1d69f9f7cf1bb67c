using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Training;

namespace StreamingCnn.Experiments.Curves;

/// <summary>What one step did.</summary>
/// <param name="Whole">Loss of the batch, conventional backpropagation.</param>
/// <param name="Streamed">Loss of the same batch, streamed.</param>
/// <param name="Reordered">Loss of the same batch, conventional, its images in reverse order.</param>
/// <param name="StreamedWeights">Largest relative difference of streamed to conventional weights after the step.</param>
/// <param name="ReorderedWeights">The same for the reversed order.</param>
internal sealed record CurveStep(double Whole, double Streamed, double Reordered, double StreamedWeights, double ReorderedWeights);

/// <summary>What a race came to.</summary>
/// <param name="Setting">What was run.</param>
/// <param name="Steps">Its steps.</param>
/// <param name="Accuracy">Share of the test images that each contestant classifies rightly, by name.</param>
/// <param name="Disagreements">Test images that streamed and conventional model put into different classes.</param>
/// <param name="TestImages">Number of test images.</param>
/// <param name="Seconds">How long each contestant trained, by name.</param>
internal sealed record CurveResult(
    CurveSetting Setting,
    IReadOnlyList<CurveStep> Steps,
    IReadOnlyDictionary<string, double> Accuracy,
    int Disagreements,
    int TestImages,
    IReadOnlyDictionary<string, double> Seconds);

/// <summary>
/// Trains the same network in three ways side by side: conventionally, streamed, and once more conventionally with the images of each batch
/// in another order. The third shows what rounding alone makes of a training run, against which the difference of the second is to be held.
/// </summary>
internal static class CurveRace
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(30);

    public static CurveResult Run(CurveSetting setting, IReadOnlyList<TrainingSample> training, IReadOnlyList<TrainingSample> test)
    {
        using var whole = new Contestant("whole", setting, tile: null);
        using var streamed = new Contestant("streamed", setting, setting.Tile);
        using var reordered = new Contestant("reordered", setting, tile: null, isReversed: true);
        Contestant[] all = [whole, streamed, reordered];
        if (all.Any(contestant => contestant.WeightDifference(whole) != 0))
            throw new InvalidOperationException("The same seed gave different weights.");

        var clocks = all.ToDictionary(contestant => contestant.Name, _ => new Stopwatch());
        var losses = new Dictionary<string, double>();
        var steps = new List<CurveStep>();
        var clock = Stopwatch.StartNew();
        var lastLine = clock.Elapsed;
        var order = Order(training.Count, setting).GetEnumerator();
        for (var step = 0; step < setting.Steps; step++)
        {
            var batch = Enumerable.Range(0, setting.Batch)
                .Select(_ => order.MoveNext() ? training[order.Current] : throw new UnreachableException())
                .ToArray();
            foreach (var contestant in all)
            {
                clocks[contestant.Name].Start();
                losses[contestant.Name] = contestant.Step(batch, step);
                clocks[contestant.Name].Stop();
            }

            steps.Add(
                new(
                    losses["whole"],
                    losses["streamed"],
                    losses["reordered"],
                    streamed.WeightDifference(whole),
                    reordered.WeightDifference(whole)));
            if (clock.Elapsed - lastLine < LineEvery)
                continue;
            lastLine = clock.Elapsed;
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{setting.Precision}, step {step + 1}/{setting.Steps}, loss {losses["whole"]:0.000}, about {clock.Elapsed * (setting.Steps - step - 1) / (step + 1):hh\\:mm\\:ss} left"));
        }

        var classes = all.ToDictionary(
            contestant => contestant.Name, contestant => test.Select(sample => Largest(contestant.Predict(sample))).ToArray());
        return new(
            setting,
            steps,
            classes.ToDictionary(
                entry => entry.Key, entry => entry.Value.Zip(test).Average(pair => pair.First == pair.Second.Label ? 1.0 : 0)),
            classes["whole"].Zip(classes["streamed"]).Count(pair => pair.First != pair.Second),
            test.Count,
            clocks.ToDictionary(entry => entry.Key, entry => entry.Value.Elapsed.TotalSeconds));
    }

    /// <summary>Epoch after epoch, each in an order of its own.</summary>
    private static IEnumerable<int> Order(int count, CurveSetting setting)
    {
        var random = new Random(setting.Seed);
        while (true)
        {
            var order = Enumerable.Range(0, count).ToArray();
            random.Shuffle(order);
            foreach (var index in order)
                yield return index;
        }
    }

    private static int Largest(double[] values) => values.Index().MaxBy(value => value.Item).Index;
}
