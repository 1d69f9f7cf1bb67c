using System.Text.RegularExpressions;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>scnn compare</c>: several runs in one page.</summary>
public sealed partial class CompareTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Runs_are_shown_with_what_differs_their_curves_and_their_metrics()
    {
        TrainedModel.WriteImages(folder, "data", 8);
        Train("a", "--rate", "0.01");
        Train("b", "--rate", "0.002", "--epochs", "3");
        Train("c", "--rate", "0.01", "--pooling", "average", "--monitor", "loss");

        var run = CommandLine.Run("compare", folder.File("a"), folder.File("b"), folder.File("c"), "-o", folder.File("all.html"));

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Contains("3 runs, 4 option(s) differ", run.Output, StringComparison.Ordinal);
        var page = File.ReadAllText(folder.File("all.html"));
        foreach (var row in (string[])
            [
                "<td>rate</td><td>0.01</td><td>0.002</td><td>0.01</td>",
                "<td>epochs</td><td>2</td><td>3</td><td>2</td>",
                "<td>pooling</td><td>max</td><td>max</td><td>average</td>",
                "<td>monitor</td><td>score</td><td>score</td><td>loss</td>",
                "<td>seed</td><td>1</td>",
            ])
            Assert.Contains(row, page, StringComparison.Ordinal);
        // Metrics stand as the runs wrote them, with their intervals.
        foreach (var name in (string[])["a", "b", "c"])
        {
            var line = File.ReadLines(folder.File($"{name}/validation-metrics.csv")).ElementAt(1).Split(',');
            var value = Training.Metrics.Metric.Format(double.Parse(line[1], System.Globalization.CultureInfo.InvariantCulture));
            Assert.Matches($"<tr><td>{line[0]}</td>.*{Regex.Escape(value)} \\(", page);
        }

        // Loss, score, what one run monitored, learning rate, and metrics with intervals; each for light and for dark paper.
        Assert.Equal(["Final metrics, validation, with their intervals.", "Loss over the epochs; validation solid, training dashed."],
            Captions().Matches(page).Select(match => match.Groups[1].Value).Take(2));
        Assert.All(Pictures().Matches(page), match => Assert.Equal(0x89, Convert.FromBase64String(match.Groups[1].Value)[0]));
        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
        Assert.Equal(["all.html"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_run_that_is_not_done_is_shown_with_what_there_is()
    {
        TrainedModel.WriteImages(folder, "data", 4);
        Train("x/run");
        Train("y/run");
        foreach (var table in Directory.GetFiles(folder.File("y/run"), "*-metrics.csv"))
            File.Delete(table);
        File.Delete(folder.File("y/run/metrics.csv"));
        var run = CommandLine.Run("compare", folder.File("x/run"), folder.File("y/run"), "-o", folder.File("all.html"));
        Assert.Equal("", run.Errors);
        Assert.Contains("Note: y/run has no final metrics: it is not done.", run.Output, StringComparison.Ordinal);
        var page = File.ReadAllText(folder.File("all.html"));
        Assert.Contains("Not judged on this part: y/run.", page, StringComparison.Ordinal);
        Assert.Contains("All options are the same in all runs.", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_compared_is_refused()
    {
        Directory.CreateDirectory(folder.File("empty"));
        TrainedModel.WriteImages(folder, "data", 4);
        Train("a");
        CommandLine.Run("compare", folder.File("a")).IsRefused(
            $"'{folder.File("a")}' alone has nothing to be compared with; name at least two folders of runs.");
        CommandLine.Run("compare", folder.File("a"), folder.File("a") + "/").IsRefused(
            $"The run '{folder.File("a")}' is named 2 times; name each run once.");
        CommandLine.Run("compare", folder.File("a"), folder.File("empty"), "-o", folder.File("all.html")).IsRefused(
            $"The folder '{folder.File("empty")}' holds no run; name folders that scnn train has written.");
        CommandLine.Run("compare", folder.File("a"), folder.File("empty"), "-o", folder.Path).IsRefused(
            $"'{folder.Path}' is a folder; name the HTML file to write by --output.");
        Assert.False(File.Exists(folder.File("all.html")));
    }

    [GeneratedRegex("<figcaption>([^<]*)</figcaption>")]
    private static partial Regex Captions();

    [GeneratedRegex("src=\"data:image/png;base64,([^\"]+)\"")]
    private static partial Regex Pictures();

    private void Train(string name, params string[] options)
    {
        string[] epochs = options.Contains("--epochs") ? [] : ["--epochs", "2"];
        var run = CommandLine.Run(
            ["train", folder.File("data"), "--validation", "0.5", "--tile", "32", .. epochs, "-o", folder.File(name), .. options]);
        Assert.Equal("", run.Errors);
    }
}
