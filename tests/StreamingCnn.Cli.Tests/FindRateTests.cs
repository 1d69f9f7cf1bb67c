namespace StreamingCnn.Cli.Tests;

public sealed class FindRateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public FindRateTests() => TrainedModel.WriteImages(folder, "data", 6);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_rate_is_named_and_a_training_may_follow_in_the_same_folder()
    {
        string[] common = ["train", folder.File("data"), "--tile", "64", "--batch", "6", "--optimizer", "sgd", "-o", folder.File("run")];

        var run = CommandLine.Run([.. common, "--find-rate", "40"]);

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Matches(@"\nIt falls most steeply at \d\.\de[+-]\d: --rate \d\.\de[+-]\d\. Look at rates\.png", run.Output);
        Assert.Equal(
            ["rates.csv", "rates.png"],
            Directory.GetFiles(folder.File("run")).Select(Path.GetFileName).Where(name => name![0] != '.').Order(StringComparer.Ordinal));
        var rate = run.Output.Split("--rate ")[1].Split(". ")[0];
        var training = CommandLine.Run([.. common, "--epochs", "1", "--rate", rate]);
        Assert.Equal("", training.Errors);
        Assert.True(File.Exists(folder.File("run/best.safetensors")));
        Assert.DoesNotContain("find-rate", File.ReadAllText(folder.File("run/options.json")));
    }

    [Fact]
    public void What_makes_no_sense_with_it_is_refused()
    {
        CommandLine.Run("train", folder.File("data"), "--find-rate", "40", "--folds", "2")
            .IsRefused("--find-rate is of one model, and --folds makes several; name one of them by --fold.");
        folder.Write("run/options.json", $"{{ \"data\": \"{folder.File("data")}\" }}");
        CommandLine.Run("train", "--resume", folder.File("run"), "--find-rate", "40").IsRefused(
            "--find-rate looks for the learning rate of a new run, so it cannot be given together with --resume; leave out one or the other.");
        Assert.Contains("--find-rate", CommandLine.Run("train", folder.File("data"), "--find-rate", "3").Errors);
    }
}
