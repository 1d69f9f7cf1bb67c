using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Cli.Tests.Survival;

namespace StreamingCnn.Cli.Tests.Benchmarking;

/// <summary>Measurements in files and figures.</summary>
public sealed class BenchmarkTableTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("streamingcnn-bench").FullName;

    private string File => Path.Combine(folder, "measured.csv");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_was_written_is_read_again()
    {
        var table = Example();
        System.IO.File.WriteAllText(File, table.ToCsv());

        var again = BenchmarkTable.FromCsv(File);

        Assert.Equal(table.ToCsv(), again.ToCsv());
        Assert.Equal(table.Settings, again.Settings);
        Assert.All(table.Settings, setting => Assert.Equal(table.Seconds(setting), again.Seconds(setting)));
    }

    [Fact]
    public void A_file_of_something_else_is_refused_and_kept()
    {
        System.IO.File.WriteAllText(File, "image,label\na.png,1\n");

        var failure = Assert.Throws<InvalidDataException>(() => BenchmarkTable.FromCsv(File));

        Assert.Equal(
            $"'{File}' does not hold measurements of this program: its first line is not the one that it writes. Name another file.",
            failure.Message);
        Assert.Equal("image,label\na.png,1\n", System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void A_line_that_is_cut_off_is_named()
    {
        var text = Example().ToCsv();
        System.IO.File.WriteAllText(File, text[..^40]);

        var failure = Assert.Throws<InvalidDataException>(() => BenchmarkTable.FromCsv(File));

        Assert.StartsWith("Line ", failure.Message);
        Assert.EndsWith($" of '{File}' is no measurement of this program; remove the line, or name another file.", failure.Message);
    }

    [Fact]
    public void A_benchmark_goes_on_where_it_was_stopped()
    {
        var first = Run(896, "checkpoint,once", "checkpoint");
        var second = Run(896, "checkpoint,once", "checkpoint,128MiB");
        var third = Run(896, "checkpoint,once", "checkpoint,128MiB");

        Assert.Equal((0, 0, 0), (first.ExitCode, second.ExitCode, third.ExitCode));
        Assert.Contains("1/1  896x896, checkpoint:", first.Errors);
        Assert.Contains("1/1  896x896, once in ", first.Errors);
        Assert.Contains("1/1  896x896, once in 128 MiB:", second.Errors);
        Assert.Equal("", third.Errors);
        Assert.Contains("where its time goes", third.Output);
        var table = BenchmarkTable.FromCsv(File);
        StepSetting[] settings = [.. table.Settings];
        Assert.Equal([StepMethod.Checkpoint, StepMethod.Once, StepMethod.Once], settings.Select(setting => setting.Method));
        Assert.Equal([0, table.FirstPeak(settings[0]) << 20, 128L << 20], settings.Select(setting => setting.Memory));
    }

    [Fact]
    public void The_smallest_budget_is_measured_where_it_is_asked_for()
    {
        var run = Run(256, "once", "smallest");

        Assert.Equal(0, run.ExitCode);
        var table = BenchmarkTable.FromCsv(File);
        var setting = Assert.Single(table.Settings);
        Assert.Equal(table.Smallest(setting) * (1 << 20), setting.Memory);
        Assert.InRange(setting.Memory, 1, long.MaxValue);
    }

    [Fact]
    public void What_a_step_can_do_with_is_the_smallest_budget_where_it_has_one_and_else_what_was_measured()
    {
        var table = Example();

        Assert.All(table.Settings, setting => Assert.Equal(
            setting.Method == StepMethod.Whole ? table.Peak(setting) : 7 * (setting.Tile > 0 ? setting.Tile : 640),
            table.Smallest(setting)));
    }

    [Theory]
    [InlineData(
        "--method",
        "chekpoint",
        "'chekpoint' is not a method; did you mean checkpoint? Or write whole, kept, last, checkpoint, once, overlap or bfloat16.")]
    [InlineData("--method", "3", "'3' is not a method; write whole, kept, last, checkpoint, once, overlap or bfloat16.")]
    [InlineData(
        "--memory",
        "smalest",
        "'smalest' is not a memory budget; did you mean smallest? Or write an amount such as 512MiB or 4GiB, smallest, "
        + "or a method on the whole image: whole, kept, last, checkpoint.")]
    [InlineData("--memory", "4 XB", "'4 XB' is not an amount of memory; write a positive number with a unit, such as 512MiB, 4GiB or 2GB.")]
    public void A_word_that_is_no_choice_is_refused(string option, string word, string sentence) =>
        CommandLine.Run("bench", option, word).IsRefused(sentence);

    [Fact]
    public void There_is_a_figure_for_whatever_there_are_several_of()
    {
        Assert.Equal(
            ["time-by-tile", "memory-by-tile", "time-by-memory", "memory-by-memory", "time-by-size", "memory-by-size"],
            BenchmarkFigures.Of(Example()).Select(figure => figure.Name));
        Assert.Empty(BenchmarkFigures.Of(new BenchmarkTable()));
    }

    private CommandLine Run(int size, string methods, string memory)
    {
        // The first step of each process, which is as good as any where nobody asks for its time.
        using var program = ProgramProcess.Start(
            "bench", "--model", "small", "--size", $"{size}", "--method", methods, "--memory", memory, "--repeat", "1", "--warm-up", "0",
            "--csv", File, "--plots", folder);
        return program.Finish();
    }

    private static BenchmarkTable Example()
    {
        var table = new BenchmarkTable();
        foreach (var side in (int[])[1024, 2048])
        {
            table.Add(Setting(side, StepMethod.Whole), Cost(side, 0));
            foreach (var tile in (int[])[256, 512])
                table.Add(Setting(side, StepMethod.Once, tile), Cost(side, tile));
            foreach (var memory in (long[])[1L << 30, 2L << 30])
                table.Add(Setting(side, StepMethod.Once, 0, memory), Cost(side, 640));
        }

        table.Add(Setting(1024, StepMethod.Whole), Cost(1024, 0) with { Seconds = 9.5 });
        return table;
    }

    private static StepSetting Setting(int side, StepMethod method, int tile = 0, long memory = 0) =>
        new("resnet18", side, side, method, tile, memory, Threads: 2);

    private static StepCost Cost(int side, int tile) => new(
        side / 100.0, 300 << 20, (300L << 20) + (side * 1000L), tile > 0 ? side * 1000L : 0, tile * 10, tile, tile > 0 ? 0.25 : 0,
        tile * 7L << 20,
        tile > 0 ? Enum.GetValues<StepPart>().ToDictionary(part => part, part => (double)part) : new Dictionary<StepPart, double>());
}
