namespace StreamingCnn.Cli.Tests;

/// <summary>Cross-validation and splits from the command line.</summary>
public sealed class FoldsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string table;

    public FoldsTests()
    {
        TrainedModel.WriteImages(folder, "data", 12);
        table = folder.Write("t.csv", "image,label,patient\n" + string.Concat(Enumerable.Range(0, 12).Select(i =>
            $"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy,{(i % 2 == 0 ? "dark" : "light")},p{i / 2}\n")));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Each_image_is_predicted_once_by_a_model_that_had_not_seen_its_patient()
    {
        var run = CommandLine.Run(
            "train", table, "--folds", "2", "--group", "patient", "--epochs", "1", "--tile", "32", "--validation", "0", "-o",
                folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Contains("Fold 2 of 2 is the test.", run.Output);
        Assert.Contains(
            "percentile bootstrap, 1000 resamples of 6 groups, seed 1. They take groups to be independent of each other.", run.Output);
        var pooled = File.ReadAllLines(folder.File("run/predictions.csv"));
        Assert.StartsWith("image,group,label,predicted,dark,light", pooled[0]);
        Assert.Equal(12, pooled.Skip(1).Select(line => line.Split(',')[0]).Distinct().Count());
        string[][] tests = [.. Enumerable.Range(1, 2)
            .Select(fold => File.ReadLines(folder.File($"run/fold-{fold}/test.csv")).Skip(1).Select(line => line.Split(',')[1]).Distinct()
                .ToArray())];
        Assert.Empty(tests[0].Intersect(tests[1]));
        Assert.Equal(6, tests[0].Length + tests[1].Length);
        Assert.StartsWith("metric,pooled,low,high,mean,deviation,fold 1,fold 2", File.ReadAllText(folder.File("run/folds.csv")));
        Assert.Contains("<h2>Folds</h2>", File.ReadAllText(folder.File("run/report.html")));

        // A fold that is not there is made, and with more epochs all go on.
        Directory.Delete(folder.File("run/fold-2"), recursive: true);
        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2").Errors);
        Assert.All([1, 2], fold => Assert.Equal(3, File.ReadAllLines(folder.File($"run/fold-{fold}/metrics.csv")).Length));

        // What is done is not done again.
        var before = File.GetLastWriteTimeUtc(folder.File("run/fold-1/test.csv"));
        File.Delete(folder.File("run/folds.csv"));
        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run")).Errors);
        Assert.Equal(before, File.GetLastWriteTimeUtc(folder.File("run/fold-1/test.csv")));
        Assert.True(File.Exists(folder.File("run/folds.csv")));

        // The model knows what it was divided by.
        var judged = CommandLine.Run("evaluate", folder.File("run/fold-1"), table, "--resamples", "50", "-o", folder.File("judged"));
        Assert.Contains("50 resamples of 6 groups", judged.Output);
    }

    [Fact]
    public void A_split_is_written_into_the_table_and_obeyed()
    {
        var run = CommandLine.Run("split", table, "--group", "patient", "--validation", "0.34", "--test", "0.34", "-o",
            folder.File("s.csv"));

        Assert.Equal("", run.Errors);
        Assert.Contains("train: 4 images of 2 groups (2 dark, 2 light)", run.Output);
        var lines = File.ReadAllLines(folder.File("s.csv"));
        Assert.Equal(File.ReadAllLines(table), lines.Select(line => line[..line.LastIndexOf(',')]));
        Assert.Contains(
            "4 images to train on, 4 to validate, 4 to test",
            CommandLine.Run("train", folder.File("s.csv"), "--group", "patient", "--tile", "32", "--dry-run").Output);
        CommandLine.Run("split", folder.File("s.csv")).IsRefused(
            $"{folder.File("s.csv")}: 1 problem(s) in this data set:{'\n'}  line 1: there is a column 'split' already; take it out, or give it another name");
    }

    [Fact]
    public void A_folder_becomes_a_table_with_a_column_for_folds()
    {
        var run = CommandLine.Run("split", folder.File("data"), "--folds", "3", "-o", folder.File("f.csv"));

        Assert.Equal("", run.Errors);
        Assert.Contains("2: 4 images (2 dark, 2 light)", run.Output);
        Assert.Matches(@"^data/dark/0\.npy,dark,[123]$", File.ReadAllLines(folder.File("f.csv"))[1].Replace('\\', '/'));
        Assert.Contains("Fold 1 of 3 is the test.",
            CommandLine.Run("train", folder.File("f.csv"), "--folds", "3", "--tile", "32", "--dry-run").Output);
    }

    [Fact]
    public void What_cannot_be_meant_is_refused()
    {
        Refused("--fold is one of --folds; say how many there are, or leave it out.", "train", table, "--fold", "1");
        Refused("--fold is 3, but there are 2 folds; write a number from 1 to 2.", "train", table, "--folds", "2", "--fold", "3");
        Refused(
            "--demo trains on images of its own as they are, so it cannot be given together with --folds; leave out one or the other.",
            "train", "--demo", "--folds", "2");
        Refused("Shares of 0 for validation and 0 for the test are no division; write two that are above 0 and below 1 together.",
            "split", table, "--validation", "0", "--test", "0");
        Refused($"'{folder.File("data")}' is a folder; name the table to write by --output.", "split", folder.File("data"));
        Refused(
            $"The table '{folder.File("data/t.csv")}' would lie in another folder than '{table}', to which the paths in it are relative; write it there.",
            "split", table, "-o", folder.File("data/t.csv"));

        static void Refused(string sentence, params string[] line) => CommandLine.Run(line).IsRefused(sentence);
    }
}
