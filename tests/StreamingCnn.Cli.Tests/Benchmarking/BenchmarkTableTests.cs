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

        Assert.Equal($"'{File}' does not hold measurements of this program: its first line is not the one that it writes. Name another file.", failure.Message);
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
        string[] command = ["bench", "--model", "small", "--size", "96", "--tile", "48", "--method", "whole,once", "--csv", File, "--plots", folder];
        var first = Run("1");
        var second = Run("2");
        var third = Run("2");

        Assert.Equal((0, 0, 0), (first.ExitCode, second.ExitCode, third.ExitCode));
        Assert.Contains("2/2  96x96, once tile 48:", second.Errors);
        Assert.Equal("", third.Errors);
        Assert.Equal(5, System.IO.File.ReadAllLines(File).Length);
        Assert.Contains("where its time goes", third.Output);

        CommandLine Run(string repeat)
        {
            using var program = ProgramProcess.Start([.. command, "--repeat", repeat]);
            return program.Finish();
        }
    }

    [Fact]
    public void There_is_a_figure_for_whatever_there_are_several_of()
    {
        Assert.Equal(
            ["time-by-tile", "memory-by-tile", "time-by-memory", "memory-by-memory", "time-by-size", "memory-by-size"],
            BenchmarkFigures.Of(Example()).Select(figure => figure.Name));
        Assert.Empty(BenchmarkFigures.Of(new BenchmarkTable()));
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

    private static StepSetting Setting(int side, StepMethod method, int tile = 0, long memory = 0) => new("resnet18", side, side, method, tile, memory, Threads: 2);

    private static StepCost Cost(int side, int tile) => new(
        side / 100.0, 300 << 20, (300L << 20) + (side * 1000L), tile > 0 ? side * 1000L : 0, tile * 10, tile, tile > 0 ? 0.25 : 0,
        tile > 0 ? Enum.GetValues<StepPart>().ToDictionary(part => part, part => (double)part) : new Dictionary<StepPart, double>());
}
