using System.Globalization;

namespace StreamingCnn.Cli.Tests;

/// <summary>Runs in MLflow's file layout: what its tracking store reads is there, and stays one run when it is resumed.</summary>
public sealed class MlflowTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public MlflowTests() => TrainedModel.WriteImages(folder, "data", 8);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_is_there_with_options_numbers_metrics_and_report()
    {
        var run = CommandLine.Run(
            "train", folder.File("data"), "--tile", "32", "--epochs", "2", "--validation", "0.5", "--rate", "0.003", "--mlflow",
            folder.File("mlruns"), "-o", folder.File("it's a run"));
        Assert.Equal("", run.Errors);

        var experiment = Yaml(folder.File("mlruns/0/meta.yaml"));
        Assert.Equal(("'0'", "Default", "active"), (experiment["experiment_id"], experiment["name"], experiment["lifecycle_stage"]));
        var place = Assert.Single(Directory.GetDirectories(folder.File("mlruns/0")));
        var described = Yaml(Path.Combine(place, "meta.yaml"));
        var id = Path.GetFileName(place);
        Assert.Equal(32, id.Length);
        Assert.Equal(($"'{id}'", $"'{id}'", "'it''s a run'", "3"),
            (described["run_id"], described["run_uuid"], described["run_name"], described["status"]));
        Assert.StartsWith("'file:///", described["artifact_uri"]);
        Assert.True(long.Parse(described["end_time"], CultureInfo.InvariantCulture)
            >= long.Parse(described["start_time"], CultureInfo.InvariantCulture));
        Assert.Equal("0.003", Text(place, "params/rate"));
        Assert.Equal("it's a run", Text(place, "tags/mlflow.runName"));
        Assert.True(new FileInfo(Path.Combine(place, "artifacts", "report.html")).Length > 0);

        // As metrics.csv has them: a line for each epoch, of time, number and epoch.
        var lines = File.ReadAllLines(Path.Combine(place, "metrics", "validation loss"));
        var table = File.ReadAllLines(folder.File("it's a run/metrics.csv"))[1..].Select(line => line.Split(',')).ToArray();
        Assert.Equal(table.Select(fields => (fields[3], fields[0])), lines.Select(line => (line.Split(' ')[1], line.Split(' ')[2])));
        Assert.All(lines, line => Assert.True(long.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture) > 1_600_000_000_000));
        Assert.EndsWith(" 2", File.ReadAllLines(Path.Combine(place, "metrics", "final validation accuracy"))[^1]);

        var gone = CommandLine.Run("train", "--resume", folder.File("it's a run"), "--epochs", "3");
        Assert.Equal("", gone.Errors);
        Assert.Equal(place, Assert.Single(Directory.GetDirectories(folder.File("mlruns/0"))));
        Assert.Equal(3, File.ReadAllLines(Path.Combine(place, "metrics", "validation loss")).Length);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named_before_the_first_epoch()
    {
        folder.Write("taken", "");
        var run = CommandLine.Run(
            "train", folder.File("data"), "--tile", "32", "--mlflow", folder.File("taken/mlruns"), "-o", folder.File("run"));
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Single(run.Errors.TrimEnd().Split('\n'));
        Assert.False(File.Exists(folder.File("run/metrics.csv")));
    }

    private static Dictionary<string, string> Yaml(string path) =>
        File.ReadAllLines(path).Select(line => line.Split(": ", 2)).ToDictionary(field => field[0], field => field[1]);

    private static string Text(string place, string name) => File.ReadAllText(Path.Combine(place, name));
}
