using System.Globalization;
using System.Text;
using Spectre.Console;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>All measurements of a benchmark, and the ways to look at them.</summary>
internal sealed class BenchmarkTable
{
    private const double Mebibyte = 1 << 20;

    private static readonly string[] PartNames =
    [
        "convolutions",
        "other layers",
        "convolutions backward",
        "other layers backward",
        "windows",
        "carry",
        "gradients of maps",
        "gradients of parameters",
        "engine",
    ];

    private const int FirstPart = 16;

    private static readonly string Header =
        "model,height,width,method,tile,memory_budget,threads,warm_up,"
        + "tile_used,seconds,base_bytes,peak_bytes,planned_bytes,carry_bytes,planned_ratio,smallest_bytes"
        + string.Concat(PartNames.Select(name => $",{name.Replace(' ', '_')}_seconds"));

    private readonly OrderedDictionary<StepSetting, List<StepCost>> costs = [];

    public void Add(StepSetting setting, StepCost cost)
    {
        if (!costs.TryGetValue(setting, out var all))
            costs.Add(setting, all = []);
        all.Add(cost);
    }

    /// <summary>The settings in the order in which they were first measured.</summary>
    public IEnumerable<StepSetting> Settings => costs.Keys;

    /// <summary>Median of the time in seconds.</summary>
    public double Seconds(StepSetting setting) => Median(costs[setting].Select(cost => cost.Seconds));

    /// <summary>Median of the time that a streamed step spends on a part, in seconds.</summary>
    public double PartSeconds(StepSetting setting, StepPart part) => Median(costs[setting].Select(cost => cost.Parts[part]));

    /// <summary>Median of the step's peak memory above what was resident before it, in MiB.</summary>
    public double Peak(StepSetting setting) => Median(costs[setting].Select(cost => (cost.PeakBytes - cost.BaseBytes) / Mebibyte));

    /// <summary>
    /// The least memory in MiB that the setting's method can do with: of a streamed step the smallest budget that the planner accepts,
    /// of others, which have no choice, what was measured.
    /// </summary>
    public double Smallest(StepSetting setting) =>
        costs[setting][0].SmallestBytes is > 0 and var bytes ? Math.Ceiling(bytes / Mebibyte) : Peak(setting);

    /// <summary>The smallest budget in bytes that a streamed setting's method can do with on its image; not planned twice.</summary>
    public long SmallestBudget(StepSetting setting) => costs
        .Where(other => (other.Key with { Tile = 0, Memory = 0 }) == (setting with { Tile = 0, Memory = 0 }))
        .Select(other => other.Value[0].SmallestBytes).FirstOrDefault() is > 0 and var known ? known : StepProcess.SmallestBudget(setting);

    /// <summary>The peak memory of the first measurement above what was resident before it, in whole MiB.</summary>
    public long FirstPeak(StepSetting setting) => (costs[setting][0].PeakBytes - costs[setting][0].BaseBytes) >> 20;

    /// <summary>The setting of the whole image that another is compared with; null when it was not measured.</summary>
    public StepSetting? WholeOf(StepSetting setting) =>
        costs.Keys.FirstOrDefault(other =>
            other.Method == StepMethod.Whole
            && (other.ModelText, other.Height, other.Width) == (setting.ModelText, setting.Height, setting.Width));

    /// <summary>Prints medians, and ratios to the whole image's step.</summary>
    public void Show(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var name in (string[])["image", "step", "tile", "s", "ratio", "MiB", "ratio", "plan", "carry", "least"])
            table.AddColumn(new TableColumn(name).NoWrap().PadRight(0).Alignment(name is "image" or "step" ? Justify.Left : Justify.Right));
        foreach (var setting in costs.Keys)
            table.AddRow([.. Row(setting).Select(text => new Text(text))]);
        console.Write(table);
    }

    /// <summary>Prints where the time of the streamed steps goes, as shares of the step.</summary>
    public void ShowParts(IAnsiConsole console)
    {
        var streamed = costs.Keys.Where(setting => costs[setting][0].Parts.Count > 0).ToArray();
        if (streamed.Length == 0)
            return;
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn("where its time goes").NoWrap());
        foreach (var setting in streamed)
            table.AddColumn(new TableColumn($"{setting.Size} {setting.Name}").RightAligned());
        foreach (var part in Enum.GetValues<StepPart>())
            table.AddRow(
                [PartNames[(int)part], .. streamed.Select(setting => Number(PartSeconds(setting, part) / Seconds(setting), "0.0 %"))]);
        console.Write(table);
    }

    /// <summary>How often a setting has been measured.</summary>
    public int Count(StepSetting setting) => costs.TryGetValue(setting, out var all) ? all.Count : 0;

    /// <summary>One line for each measurement, medians not taken.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder(Header).Append('\n');
        foreach (var (setting, all) in costs)
        {
            foreach (var cost in all)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{setting.ModelText},{setting.Height},{setting.Width},{setting.MethodName},{setting.Tile},{setting.Memory},"
                    + $"{setting.Threads},{setting.WarmUp},{cost.Tile},{cost.Seconds:0.000},{cost.BaseBytes},{cost.PeakBytes},"
                    + $"{cost.PlannedBytes},{cost.CarryBytes},{cost.PlannedRatio:0.000},{cost.SmallestBytes}");
                foreach (var part in Enum.GetValues<StepPart>())
                    text.Append(',').Append(cost.Parts.TryGetValue(part, out var seconds) ? Number(seconds, "0.000") : "");
                text.Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>Reads what <see cref="ToCsv"/> has written.</summary>
    /// <exception cref="InvalidDataException">It is no such file; the message names it and its first line that cannot be read.</exception>
    public static BenchmarkTable FromCsv(string path)
    {
        var table = new BenchmarkTable();
        var lines = File.ReadAllLines(path);
        if (lines.Length == 0 || lines[0] != Header)
            throw new InvalidDataException(
                $"'{path}' does not hold measurements of this program: its first line is not the one that it writes. Name another file.");
        foreach (var (number, line) in lines.Index().Skip(1))
        {
            try
            {
                var field = line.Split(',');
                var (model, norm, device) = StepSetting.Parse(field[0]);
                var parts = Enum.GetValues<StepPart>().Where(part => field[FirstPart + (int)part].Length > 0);
                table.Add(
                    new StepSetting(
                        model, Int(1), Int(2), Enum.Parse<StepMethod>(field[3], ignoreCase: true), Int(4), Long(5), Int(6), Int(7), norm,
                        device),
                    new StepCost(
                        Real(9), Long(10), Long(11), Long(12), Long(13), Int(8), Real(14), Long(15),
                        parts.ToDictionary(part => part, part => Real(FirstPart + (int)part))));

                int Int(int i) => int.Parse(field[i], CultureInfo.InvariantCulture);
                long Long(int i) => long.Parse(field[i], CultureInfo.InvariantCulture);
                double Real(int i) => double.Parse(field[i], CultureInfo.InvariantCulture);
            }
            catch (Exception reason) when (reason is FormatException or ArgumentException or OverflowException or IndexOutOfRangeException)
            {
                throw new InvalidDataException(
                    $"Line {number + 1} of '{path}' is no measurement of this program; remove the line, or name another file.", reason);
            }
        }

        return table;
    }

    private IEnumerable<string> Row(StepSetting setting)
    {
        var whole = WholeOf(setting);
        var any = costs[setting][0];
        yield return setting.Size;
        yield return setting.MethodName
            + (setting.Memory > 0 ? string.Create(CultureInfo.InvariantCulture, $" {setting.Memory >> 20} MiB") : "");
        yield return any.Tile > 0 ? any.Tile.ToString(CultureInfo.InvariantCulture) : "";
        yield return Number(Seconds(setting), "0.00");
        yield return whole is null ? "" : Number(Seconds(setting) / Seconds(whole), "0.00");
        yield return Number(Peak(setting), "0");
        yield return whole is null ? "" : Number(Peak(setting) / Peak(whole), "0.00");
        yield return any.PlannedBytes > 0 ? Number(any.PlannedBytes / Mebibyte, "0") : "";
        yield return any.CarryBytes > 0 ? Number(any.CarryBytes / Mebibyte, "0") : "";
        yield return Number(Smallest(setting), "0");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
