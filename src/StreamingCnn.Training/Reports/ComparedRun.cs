using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Reports;

/// <summary>One of several runs that are shown side by side.</summary>
/// <param name="Name">What it is called; no two alike.</param>
public sealed record ComparedRun(string Name)
{
    /// <summary>Its options and their values.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<KeyValuePair<string, string>> Settings { get; init; } = [];

    /// <summary>
    /// Its epochs: columns of numbers by name, as <see cref="MetricsFile"/> writes them, NaN where a field is empty. One of them is
    /// <c>epoch</c>, and those of the validation images begin with <c>validation_</c>.
    /// </summary>
    /// <value>The default value is none: no epoch is done.</value>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> Curves { get; init; } = new Dictionary<string, IReadOnlyList<double>>();

    /// <summary>Final metrics of each part of the data that the run was judged on, by the part's name.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyDictionary<string, IReadOnlyList<Metric>> Parts { get; init; } = new Dictionary<string, IReadOnlyList<Metric>>();
}
