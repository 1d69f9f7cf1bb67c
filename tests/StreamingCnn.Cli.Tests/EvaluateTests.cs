using System.Globalization;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Tests;

public class EvaluateTests
{
    [Fact]
    public void Metrics_predictions_plots_and_report_are_written()
    {
        using var folder = new TemporaryFolder();
        TrainedModel.WriteImages(folder, "data", 6);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);

        var run = CommandLine.Run("evaluate", folder.File("model.safetensors"), folder.File("data"), "--tile", "32", "--resamples", "100");

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        var predictions = File.ReadAllLines(folder.File("evaluation/predictions.csv")).Skip(1).Select(line => line.Split(',')).ToArray();
        Assert.Equal(6, predictions.Length);
        var area = AreaUnderCurve.Of(
            [.. predictions.Select(fields => double.Parse(fields[4], CultureInfo.InvariantCulture))],
            [.. predictions.Select(fields => fields[1] == "light")]);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"AUC                      {area:0.000}"), run.Output);
        Assert.Contains("Intervals hold 95%: percentile bootstrap, 100 resamples within each class, seed 1.", run.Output);
        Assert.Equal(9, File.ReadAllLines(folder.File("evaluation/metrics.csv")).Length);
        Assert.Equal(3, Directory.GetFiles(folder.File("evaluation/plots")).Length);
        // Each image, and what in it spoke for the answer.
        Assert.Equal(12, File.ReadAllText(folder.File("evaluation/report.html")).Split("data:image/jpeg").Length - 1);
    }

    [Fact]
    public void Numbers_and_the_test_part_of_a_table()
    {
        using var folder = new TemporaryFolder();
        TrainedModel.WriteImages(folder, "data", 6);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), new RegressionTask(["brightness"]));
        var table = folder.Write("data.csv", "image,brightness,split\n" + string.Concat(Enumerable.Range(0, 6).Select(i =>
            $"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy,{i % 2},{(i < 2 ? "train" : "test")}\n")));

        var run = CommandLine.Run("evaluate", folder.File("model.safetensors"), table, "-o", folder.File("out"));

        Assert.Equal("", run.Errors);
        Assert.Contains("4 images, the part test of", run.Output);
        Assert.Contains("Spearman", run.Output);
        Assert.Equal("image,true brightness,brightness", File.ReadLines(folder.File("out/predictions.csv")).First());
        Assert.True(File.Exists(folder.File("out/plots/test-predicted.png")));
    }

    [Fact]
    public void One_class_only_has_no_area_but_all_else()
    {
        using var folder = new TemporaryFolder();
        TrainedModel.WriteImages(folder, "data", 4);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        Directory.Delete(folder.File("data/light"), recursive: true);

        var run = CommandLine.Run("evaluate", folder.File("model.safetensors"), folder.File("data"));

        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Matches(@"AUC +not defined\r?\n", run.Output);
        Assert.Matches(@"accuracy +[01]\.\d{3} ", run.Output);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        using var folder = new TemporaryFolder();
        TrainedModel.WriteImages(folder, "data", 2);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        var weights = folder.File("model.safetensors");
        Directory.CreateDirectory(folder.File("empty"));
        Directory.Move(folder.File("data/light"), folder.File("data/bright"));
        string Refusal(params string[] args)
        {
            var run = CommandLine.Run(["evaluate", .. args]);
            Assert.Equal(Program.Failure, run.ExitCode);
            Assert.DoesNotContain("   at ", run.Errors);
            return run.Errors;
        }

        Assert.Contains(
            "the class 'bright' is none of those that the model tells apart: dark, light", Refusal(weights, folder.File("data")));
        Assert.Contains("the folder has no folders in it", Refusal(weights, folder.File("empty")));
        Assert.Contains("there is no such file", Refusal(weights, folder.File("nowhere.csv")));
        Assert.Contains(
            "line 2: the image gone.png: there is no such file",
            Refusal(weights, folder.Write("gone.csv", "image,label\ngone.png,dark\n")));
        Assert.Contains(
            "is no part of a data set; write one of all, train, validation, test.",
            Refusal(weights, folder.File("data"), "--part", "tset"));
        Assert.Contains("does not describe the model", Refusal(Bare(folder, model), folder.File("data")));
        Assert.False(Directory.Exists(folder.File("evaluation")));
    }

    private static string Bare(TemporaryFolder folder, StreamingCnn.Training.StreamingClassifier model)
    {
        Interop.Weights.WeightFile.Save(model, folder.File("bare.safetensors"));
        return folder.File("bare.safetensors");
    }
}
