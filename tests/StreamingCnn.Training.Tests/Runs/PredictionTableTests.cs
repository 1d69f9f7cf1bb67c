using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Runs;

/// <summary>What a run wrote is read again as it was.</summary>
public class PredictionTableTests
{
    [Theory]
    [InlineData("classes", "")]
    [InlineData("classes", "P, \"1\"")]
    [InlineData("labels", "P1")]
    [InlineData("numbers", "")]
    public void Predictions_are_read_as_they_were_written(string kind, string group)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        manual_seed(1);
        var task = (ScoredTask)LearningTask.Create(kind, ["no, never", "yes"]);
        Prediction[] written =
        [
            .. Enumerable.Range(0, 6).Select(i =>
            {
                var isClasses = kind == "classes";
                var sample = new TrainingSample($"image {i}", isClasses ? i % 2 : -1, _ => null!)
                {
                    Targets = isClasses ? [] : [i % 2, i / 3],
                    Group = group,
                };
                var scores = randn(1, 2);
                return new Prediction(sample, task.Values(scores), task.Loss(scores, sample).item<float>());
            }),
        ];
        RunFolder.WritePredictions(folder.File("test.csv"), task, written, withTruth: true);

        var read = PredictionTable.Read(folder.File("test.csv"), task);

        Assert.Equal(written.Select(one => (one.Sample.Name, one.Sample.Label, one.Sample.Group)),
            read.Select(one => (one.Sample.Name, one.Sample.Label, one.Sample.Group)));
        Assert.Equal(written.Select(one => string.Join(' ', [.. one.Values, .. one.Sample.Targets])),
            read.Select(one => string.Join(' ', [.. one.Values, .. one.Sample.Targets])));
        Assert.All(written.Zip(read), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss, 1e-6));
    }

    [Fact]
    public void What_is_no_such_table_is_refused()
    {
        using var folder = new TemporaryFolder();

        var cut = folder.Write("short.csv", "image,label,predicted,a,b\nx,a\n");
        var other = folder.Write("other.csv", "image,label,predicted,a,b\nx,c,a,1,0\n");
        foreach (var path in (string[])[folder.File("none.csv"), cut, other])
            Assert.StartsWith($"The predictions in '{path}' cannot be read",
                Assert.Throws<TrainingException>(() => PredictionTable.Read(path, new ClassificationTask(["a", "b"]))).Message);
    }

    [Fact]
    public void Folds_have_a_mean_and_a_deviation_of_what_is_defined()
    {
        using var folder = new TemporaryFolder();
        var task = new ClassificationTask(["no", "yes"]);
        Prediction Of(int label, double yes) => task.Judge(new("", label, _ => null!), [1 - yes, yes]);

        var evaluation = new FoldEvaluation(task, [[Of(0, 0.1), Of(1, 0.9)], [Of(0, 0.8), Of(1, 0.7)], [Of(1, 0.9)]],
            new() { Resamples = 10 });
        evaluation.WriteMetrics(folder.File("folds.csv"));

        Assert.Equal((0.5, Math.Sqrt(0.5)), (evaluation.Mean(0), evaluation.Deviation(0)));
        Assert.Equal(5, evaluation.Pooled.Predictions.Count);
        var lines = File.ReadAllLines(folder.File("folds.csv"));
        Assert.Equal("metric,pooled,low,high,mean,deviation,fold 1,fold 2,fold 3", lines[0]);
        Assert.Matches(@"^AUC,0\.8333333333333334,[\d.]+,[\d.]+,0\.5,0\.7071067811865476,1,0,$", lines[1]);
    }
}
