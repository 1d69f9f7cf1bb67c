using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Reports;

/// <summary>Several runs side by side: one HTML file that needs nothing beside it.</summary>
/// <param name="Runs">The runs, at least two, in the order in which they are shown.</param>
public sealed record Comparison(IReadOnlyList<ComparedRun> Runs)
{
    private const string NotGiven = "–";

    /// <summary>Writes the page: final metrics with their intervals, curves of loss and metrics, and the options that differ.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void Write(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var page = Html();
        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(page)));
    }

    /// <summary>Options that do not have the same value in all runs.</summary>
    public IReadOnlyList<string> DifferingOptions =>
        [.. OptionNames().Where(name => Runs.Select(run => Value(run, name)).Distinct(StringComparer.Ordinal).Count() > 1)];

    private string Html()
    {
        // The test counts, where there is one.
        var parts = Runs.SelectMany(run => run.Parts.Keys).Distinct().OrderBy(part => part == "validation").ToArray();
        var curves = ComparisonFigures.Curves(Runs).ToArray();
        var differing = DifferingOptions;
        return ReportPage.Frame(
            $"Comparison of {Runs.Count.ToString(CultureInfo.InvariantCulture)} runs",
            string.Join(", ", Runs.Select(run => run.Name)),
            page =>
            {
                foreach (var part in parts)
                {
                    ReportPage.Section(page, $"{char.ToUpperInvariant(part[0])}{part[1..]}", body =>
                    {
                        if (ComparisonFigures.Intervals(Runs, part) is { } figure)
                            ReportPage.Figures(body, [figure], "alone");
                        ReportPage.Results(body, OfMetrics(part), isEven: true);
                    });
                }

                if (curves.Length > 0)
                    ReportPage.Section(page, "Training", body => ReportPage.Figures(body, curves, "wide"));
                ReportPage.Section(page, "Options that differ", body => ReportPage.Results(body, OfOptions(differing), isEven: true));
                ReportPage.Section(page, "Options that are the same", body => ReportPage.Results(body, OfSame(differing), isEven: true));
            });
    }

    private ReportTable OfMetrics(string part)
    {
        var names = Runs.SelectMany(run => run.Parts.GetValueOrDefault(part) ?? []).Select(metric => metric.Name).Distinct();
        var absent = Runs.Where(run => !run.Parts.ContainsKey(part)).Select(run => run.Name).ToArray();
        return new(
            "",
            ["metric", .. Runs.Select(run => run.Name)],
            [.. names.Select(name => (IReadOnlyList<string>)[name, .. Runs.Select(run => Text(run, name))])])
        {
            Notes =
            [
                "In brackets: the interval in which the metric would lie for other images of the same kind. Runs that were judged on the "
                + "same images differ by less doubt than their intervals show; on other images they cannot be compared.",
                .. absent.Length > 0 ? (string[])[$"Not judged on this part: {string.Join(", ", absent)}."] : [],
            ],
        };

        string Text(ComparedRun run, string name)
        {
            if (run.Parts.GetValueOrDefault(part)?.FirstOrDefault(one => one.Name == name) is not { } metric)
                return NotGiven;
            return metric.Interval is { } interval ? $"{metric.ValueText} ({interval})" : metric.ValueText;
        }
    }

    private ReportTable OfOptions(IReadOnlyList<string> names) => new(
        "",
        ["option", .. Runs.Select(run => run.Name)],
        [.. names.Select(name => (IReadOnlyList<string>)[name, .. Runs.Select(run => Value(run, name) ?? NotGiven)])])
    {
        Notes = names.Count == 0
            ? ["All options are the same in all runs."]
            : [$"{NotGiven} where an option was not given and has no value of its own."],
    };

    private ReportTable OfSame(IReadOnlyList<string> differing) => new(
        "",
        ["option", "in all runs"],
        [.. OptionNames().Except(differing).Select(name => (IReadOnlyList<string>)[name, Value(Runs[0], name) ?? NotGiven])]);

    private IEnumerable<string> OptionNames() => Runs.SelectMany(run => run.Settings).Select(setting => setting.Key).Distinct();

    private static string? Value(ComparedRun run, string name) =>
        run.Settings.Where(setting => setting.Key == name).Select(setting => setting.Value).FirstOrDefault();
}
