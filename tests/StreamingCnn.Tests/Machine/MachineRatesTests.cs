using System.Text.RegularExpressions;
using StreamingCnn.Execution.Machine;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Machine;

/// <summary>The machine is measured once, also over processes; what stands in the way of remembering is no failure.</summary>
public sealed partial class MachineRatesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<MapFormat> measured = [];
    private int told;

    private string Path => folder.File("cache/streamingcnn/machine-rates.json");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_process_measures_once_and_says_so_once()
    {
        var rates = Process();

        var first = rates.Of(MapFormat.ChannelsLast, MapFormat.ChannelsFirst);
        var second = rates.Of(MapFormat.ChannelsFirst, MapFormat.ChannelsLast, MapFormat.ChannelsFirst);

        Assert.Equal([MapFormat.ChannelsLast, MapFormat.ChannelsFirst], measured);
        Assert.Equal(1, told);
        Assert.Equal([first[1], first[0], first[1]], second);
    }

    [Fact]
    public void The_next_process_remembers_all_rates()
    {
        var first = Process().Of(MapFormat.ChannelsLast)[0];

        var second = Process().Of(MapFormat.ChannelsLast)[0];

        Assert.Single(measured);
        Assert.Equal(1, told);
        Assert.Equal(first.Work, second.Work);
        Assert.Equal(first with { Work = second.Work }, second);
    }

    [Fact]
    public void Formats_are_added_to_each_other()
    {
        Process().Of(MapFormat.ChannelsLast);
        Process().Of(MapFormat.ChannelsFirst);

        Process().Of(MapFormat.ChannelsLast, MapFormat.ChannelsFirst);

        Assert.Equal(2, measured.Count);
    }

    [Theory]
    [InlineData("Intel|AMD|Neoverse|[A-Za-z0-9]+(?=.*processors)", "Another")]
    [InlineData("\"Threads\": [0-9]+", "\"Threads\": 117")]
    [InlineData("\"Libraries\": \"[^\"]*\"", "\"Libraries\": \"StreamingCnn 0.0.1\"")]
    [InlineData("\"Format\": \"ChannelsLast\"", "\"Format\": \"ChannelsFirst\"")]
    [InlineData("\"Until\": \"2", "\"Until\": \"1")]
    [InlineData("\"Until\": \"2", "\"Until\": \"9")]
    public void What_was_measured_of_another_machine_or_long_ago_says_nothing(string pattern, string replacement)
    {
        Process().Of(MapFormat.ChannelsLast);
        var text = File.ReadAllText(Path);
        var changed = Regex.Replace(text, pattern, replacement);
        Assert.NotEqual(text, changed);
        File.WriteAllText(Path, changed);

        Process().Of(MapFormat.ChannelsLast);

        Assert.Equal(2, measured.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[null]")]
    [InlineData("{}")]
    [InlineData("[{}]")]
    [InlineData("[1, 2]")]
    [InlineData("not JSON at all")]
    [InlineData("\0\u0001\u0002")]
    public void Files_that_hold_something_else_are_written_anew(string content)
    {
        folder.Write("cache/streamingcnn/machine-rates.json", content);

        Process().Of(MapFormat.ChannelsLast);
        Process().Of(MapFormat.ChannelsLast);

        Assert.Single(measured);
    }

    /// <summary>Cut off anywhere, or with any value taken out or made impossible: measured anew, never half believed.</summary>
    [Fact]
    public void Damaged_files_are_measured_anew()
    {
        Process().Of(MapFormat.ChannelsLast);
        var whole = File.ReadAllText(Path);
        var damaged = Enumerable.Range(1, 20).Select(cut => whole[..(whole.Length * cut / 21)])
            .Concat(Numbers().Matches(whole).SelectMany(number => new[] { "-1", "0", "1e999", "null", "\"fast\"" }.Select(
                bad => whole[..number.Groups[1].Index] + bad + whole[(number.Groups[1].Index + number.Groups[1].Length)..])))
            .Concat(Numbers().Matches(whole).Select(number => whole.Remove(number.Index, number.Length)));
        var tried = 0;
        foreach (var text in damaged)
        {
            measured.Clear();
            File.WriteAllText(Path, text);
            Process().Of(MapFormat.ChannelsLast);
            Assert.True(measured.Count == 1, text);
            tried++;
        }

        Assert.InRange(tried, 80, 200);
    }

    [Fact]
    public void Where_nothing_can_be_written_the_machine_is_measured_all_the_same()
    {
        folder.Write("cache", "a file in the folder's place");
        foreach (var path in new[] { null, Path, folder.Path, "/proc/none/rates.json" })
        {
            measured.Clear();
            Process(path).Of(MapFormat.ChannelsLast);
            Process(path).Of(MapFormat.ChannelsLast);
            Assert.Equal(2, measured.Count);
        }
    }

    [Fact]
    public void What_was_measured_in_a_hurry_holds_for_an_hour()
    {
        Process(isThorough: false).Of(MapFormat.ChannelsLast);
        var until = Until().Match(File.ReadAllText(Path)).Groups[1].Value;
        var hurried = DateTime.Parse(until, null, System.Globalization.DateTimeStyles.AdjustToUniversal);

        Process().Of(MapFormat.ChannelsLast);

        Assert.Single(measured);
        Assert.InRange(hurried - DateTime.UtcNow, TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));
    }

    [Fact]
    public void Another_number_of_threads_is_measured_for_itself()
    {
        var threads = get_num_threads();
        var rates = Process();
        rates.Of(MapFormat.ChannelsLast);
        try
        {
            set_num_threads(threads + 1);
            rates.Of(MapFormat.ChannelsLast);
        }
        finally
        {
            set_num_threads(threads);
        }

        Assert.Equal(2, measured.Count);
        Process().Of(MapFormat.ChannelsLast);
        Assert.Equal(2, measured.Count);
    }

    [GeneratedRegex("\"[A-Z][A-Za-z]*\": ([0-9.E+-]+),?")]
    private static partial Regex Numbers();

    [GeneratedRegex("\"Until\": \"([^\"]+)\"")]
    private static partial Regex Until();

    private MachineRates Process(bool isThorough = true) => Process(Path, isThorough);

    /// <summary>The rates as a new process has them; measuring gives other figures each time.</summary>
    private MachineRates Process(string? path, bool isThorough = true)
    {
        var rates = new MachineRates(() => path, (format, _) =>
        {
            measured.Add(format);
            var factor = 1 + (0.1 * measured.Count);
            var work = new ComputeRates().Work.ToDictionary(kind => kind.Key, kind => new WorkRate(kind.Value.Forward * factor, 1e9 / 3));
            return (new ComputeRates { Call = 1e-5 * factor, Work = work }, isThorough);
        });
        rates.Measuring += (_, _) => told++;
        return rates;
    }
}
