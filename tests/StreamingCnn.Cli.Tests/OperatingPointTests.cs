using System.Globalization;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary>What is chosen on the validation images is kept with the model, and obeyed by all who use it.</summary>
public sealed class OperatingPointTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public OperatingPointTests() => TrainedModel.WriteImages(folder, "data", 12);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Thresholds_and_temperature_go_with_the_model()
    {
        var run = CommandLine.Run(
            "train", folder.File("data"), "--tile", "32", "--epochs", "2", "--rate", "0.01", "--validation", "0.34", "--monitor", "auc",
            "--operating-point", "sensitivity=0.9", "--calibrate", "-o", folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Matches(@"\nepoch   2 .* auc [01]\.\d{3}\r?\n", run.Output);
        Assert.EndsWith(",auc,validation_auc", File.ReadLines(folder.File("run/metrics.csv")).First());
        var metadata = Safetensors.ReadMetadata(folder.File("run/best.safetensors"));
        Assert.Equal("sensitivity=0.9", metadata["operating-point"]);
        var threshold = double.Parse(metadata["thresholds"].Split(' ')[1], CultureInfo.InvariantCulture);
        Assert.Matches(@"\nScores are divided by \d+\.\d{3}, fitted on the validation images\.\r?\nCalled from", run.Output);
        Assert.Contains("\nsensitivity,", File.ReadAllText(folder.File("run/validation-metrics.csv")));
        var report = File.ReadAllText(folder.File("run/report.html"));
        Assert.Contains("<h2>Operating point</h2>", report);
        Assert.Contains("<h2>Calibration by temperature</h2>", report);

        // The same values and the same answers, whoever asks.
        var listed = Rows(File.ReadAllLines(folder.File("run/validation.csv")), value: 4);
        var predicted = Rows(CommandLine.Run("predict", folder.File("run"), folder.File("data"), "--tile", "32").Output.TrimEnd()
            .Split('\n'), value: 3);
        foreach (var (image, (called, value)) in listed)
        {
            Assert.Equal(value >= threshold ? "light" : "dark", called);
            Assert.Equal(called, predicted[Path.GetFullPath(image)].Called);
            Assert.Equal(value, predicted[Path.GetFullPath(image)].Value, 1e-6);
        }

        Assert.Contains("sensitivity", CommandLine.Run("evaluate", folder.File("run"), folder.File("data"), "--resamples", "20").Output);

        Dictionary<string, (string Called, double Value)> Rows(string[] lines, int value) =>
            lines.Skip(1).Select(line => line.Trim().Split(','))
            .ToDictionary(fields =>
                Path.GetFullPath(fields[0]), fields => (fields[value - 2], double.Parse(fields[value], CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void What_cannot_be_chosen_is_refused_before_training()
    {
        var table = folder.Write("t.csv", "image,label,age\n"
            + string.Concat(Enumerable.Range(0, 6).Select(i => $"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy,{"abc"[i % 3]},{i}\n")));

        Refused("--operating-point, --calibrate goes by validation images, but there are none", folder.File("data"), "--validation", "0",
            "--operating-point", "cost=2", "--calibrate");
        Refused(
            "--operating-point is of two classes or of labels, not of 3 classes; leave it out.",
            table,
            "--validation",
            "0.5",
            "--operating-point",
            "cost=2");
        Refused("--calibrate is of probabilities, and numbers have none; leave it out.", table, "--task", "numbers", "--labels", "age",
            "--calibrate");
        Refused(
            "'rmse' cannot be monitored where the task is classes; choose one of loss, auc,",
            table,
            "--validation",
            "0.5",
            "--monitor",
            "rmse");
        Refused("'sensitivity' is no operating point; write sensitivity=0.95", table, "--operating-point", "sensitivity");

        void Refused(string sentence, params string[] line)
        {
            var run = CommandLine.Run(["train", .. line, "-o", folder.File("refused")]);
            Assert.Equal(Program.Failure, run.ExitCode);
            Assert.Contains(sentence, run.Errors);
            Assert.False(Directory.Exists(folder.File("refused")));
        }
    }
}
