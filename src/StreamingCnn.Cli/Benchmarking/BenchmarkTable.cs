using System.Globalization;
using System.Text;
using Spectre.Console;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>All measurements of a benchmark, and the ways to look at them.</summary>
internal sealed class BenchmarkTable
{
    private const double Mebibyte = 1 << 20;

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

    /// <summary>Median of the step's peak memory above what was resident before it, in MiB.</summary>
    public double Peak(StepSetting setting) => Median(costs[setting].Select(cost => (cost.PeakBytes - cost.BaseBytes) / Mebibyte));

    /// <summary>The setting of the whole image that another is compared with; null when it was not measured.</summary>
    public StepSetting? WholeOf(StepSetting setting) =>
        costs.Keys.FirstOrDefault(other => other.Method == StepMethod.Whole && (other.Model, other.Height, other.Width) == (setting.Model, setting.Height, setting.Width));

    /// <summary>Prints medians, and ratios to the whole image's step.</summary>
    public void Show(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var name in (string[])["image", "step", "tile", "s", "ratio", "MiB", "ratio", "planned", "carry"])
            table.AddColumn(new TableColumn(name).NoWrap().PadRight(0).Alignment(name is "image" or "step" ? Justify.Left : Justify.Right));
        foreach (var setting in costs.Keys)
            table.AddRow([.. Row(setting).Select(text => new Text(text))]);
        console.Write(table);
    }

    /// <summary>One line for each measurement, medians not taken.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder("model,height,width,method,tile,memory_budget,threads,seconds,base_bytes,peak_bytes,planned_bytes,carry_bytes\n");
        foreach (var (setting, all) in costs)
        {
            foreach (var cost in all)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{setting.Model},{setting.Height},{setting.Width},{setting.Method},{cost.Tile},{setting.Memory},{setting.Threads},{cost.Seconds:0.000},{cost.BaseBytes},{cost.PeakBytes},{cost.PlannedBytes},{cost.CarryBytes}\n");
            }
        }

        return text.ToString();
    }

    private IEnumerable<string> Row(StepSetting setting)
    {
        var whole = WholeOf(setting);
        var any = costs[setting][0];
        yield return string.Create(CultureInfo.InvariantCulture, $"{setting.Height}x{setting.Width}");
        yield return setting.MethodName + (setting.Memory > 0 ? string.Create(CultureInfo.InvariantCulture, $" {setting.Memory >> 20} MiB") : "");
        yield return any.Tile > 0 ? any.Tile.ToString(CultureInfo.InvariantCulture) : "";
        yield return Number(Seconds(setting), "0.00");
        yield return whole is null ? "" : Number(Seconds(setting) / Seconds(whole), "0.00");
        yield return Number(Peak(setting), "0");
        yield return whole is null ? "" : Number(Peak(setting) / Peak(whole), "0.00");
        yield return any.PlannedBytes > 0 ? Number(any.PlannedBytes / Mebibyte, "0") : "";
        yield return any.CarryBytes > 0 ? Number(any.CarryBytes / Mebibyte, "0") : "";
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
