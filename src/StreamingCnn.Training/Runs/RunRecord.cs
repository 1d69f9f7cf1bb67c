using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Runs;

/// <summary>What a run wrote of itself: its epochs, and the final metrics of each part that it was judged on.</summary>
public sealed record RunRecord
{
    private const double Level = 0.95;
    private const string Folds = "folds.csv";
    private static readonly string[] Parts = ["validation", "test"];

    /// <summary>Columns of numbers by name, one field for each epoch and NaN where it is empty; none where no epoch is done.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<double>> Epochs { get; init; }

    /// <summary>Final metrics by the name of the part; of a cross-validation those of all folds together.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<Metric>> Metrics { get; init; }

    /// <summary>Reads a run's tables; those that are not there yet are passed over.</summary>
    /// <param name="run">The folder.</param>
    /// <exception cref="TrainingException">There is no run in the folder, or a table of it cannot be read.</exception>
    public static RunRecord Read(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (!run.Exists)
            throw new TrainingException($"The folder '{run.Path}' holds no run; name folders that scnn train has written.");
        var metrics = new Dictionary<string, IReadOnlyList<Metric>>();
        foreach (var part in Parts)
        {
            if (Table(run.File($"{part}-metrics.csv")) is { } table)
                metrics[part] = Judged(table, "value");
        }

        if (Table(run.File(Folds)) is { } pooled)
            metrics["all folds, pooled"] = Judged(pooled, "pooled");
        var epochs = Table(run.Metrics);
        return new()
        {
            Metrics = metrics,
            Epochs = epochs is null
                ? new Dictionary<string, IReadOnlyList<double>>()
                : epochs[0].Keys.ToDictionary(name => name, name => (IReadOnlyList<double>)[.. epochs.Select(row => Number(row[name]))]),
        };
    }

    private static Metric[] Judged(List<Dictionary<string, string>> table, string value) =>
    [
        .. table.Select(row => new Metric(
            row.GetValueOrDefault("metric") ?? "",
            "",
            Number(row.GetValueOrDefault(value)),
            Number(row.GetValueOrDefault("low")) is var low && Number(row.GetValueOrDefault("high")) is var high
                && double.IsFinite(low) && double.IsFinite(high) ? new(low, high, Level, "") : null)),
    ];

    private static double Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    /// <summary>Rows of a table by the names of its columns; null where it is not there, or has none.</summary>
    private static List<Dictionary<string, string>>? Table(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using var file = new StreamReader(path);
            using var table = new CsvReader(file, new CsvConfiguration(CultureInfo.InvariantCulture));
            var rows = new List<Dictionary<string, string>>();
            if (!table.Read() || !table.ReadHeader())
                return null;
            while (table.Read())
                rows.Add(table.HeaderRecord!.Distinct().ToDictionary(name => name, name => table.GetField(name) ?? ""));
            return rows.Count > 0 ? rows : null;
        }
        catch (Exception reason) when (reason is IOException or CsvHelperException or UnauthorizedAccessException)
        {
            throw new TrainingException($"The table '{path}' of a run cannot be read: {reason.Message.Split('\n')[0].TrimEnd('.')}.", reason);
        }
    }
}
