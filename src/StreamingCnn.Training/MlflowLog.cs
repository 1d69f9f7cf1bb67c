using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training;

/// <summary>
/// A run in the file layout of MLflow's tracking store, which <c>mlflow ui --backend-store-uri FOLDER</c> shows: parameters, numbers over
/// epochs, final metrics and the report, in the experiment <c>Default</c>. It needs no MLflow to be written.
/// </summary>
public sealed class MlflowLog
{
    private const string Experiment = "0";
    private const int Running = 1;
    private const int LongestParameter = 500;

    private readonly string folder;
    private readonly string id;
    private readonly string name;
    private readonly DateTimeOffset start;

    /// <summary>Begins a run, or goes on with the one of the same folder and start.</summary>
    /// <param name="store">The folder of all runs, such as <c>mlruns</c>; made where it does not exist.</param>
    /// <param name="run">The folder of this run: its name is the run's, and its place a tag.</param>
    /// <param name="start">When the run was started, the same when it is resumed.</param>
    /// <param name="parameters">The run's options by name.</param>
    /// <exception cref="WeightFileException">The folder cannot be made, or a file cannot be written.</exception>
    public MlflowLog(string store, string run, DateTimeOffset start, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(parameters);
        var place = Path.TrimEndingDirectorySeparator(Path.GetFullPath(run));
        (name, this.start) = (Path.GetFileName(place), start);
        // Runs that are started anew in a folder of the same name are others.
        id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{place}\n{start.ToUnixTimeMilliseconds()}")))[..32];
        var experiment = Path.Combine(Path.GetFullPath(store), Experiment);
        folder = Path.Combine(experiment, id);
        foreach (var part in (string[])["metrics", "params", "tags", "artifacts"])
            OutputFolder.Make(Path.Combine(folder, part));
        var described = Path.Combine(experiment, "meta.yaml");
        if (!File.Exists(described))
        {
            var now = Text(Time(DateTimeOffset.UtcNow));
            Write(described, Yaml(
                ("artifact_location", Quoted(new Uri(experiment).AbsoluteUri)), ("creation_time", now), ("experiment_id", Quoted(Experiment)),
                ("last_update_time", now), ("lifecycle_stage", "active"), ("name", "Default")));
        }

        Describe(Running, null);
        foreach (var (key, value) in parameters)
            Write(At("params", key), value.Length <= LongestParameter ? value : value[..LongestParameter]);
        foreach (var (key, value) in new[] { ("mlflow.runName", name), ("mlflow.source.name", "scnn"), ("scnn.folder", place) })
            Write(At("tags", key), value);
    }

    /// <summary>Where the run's files are.</summary>
    public string Folder => folder;

    /// <summary>Adds what an epoch gave; numbers that are there of this epoch or later ones are replaced.</summary>
    /// <param name="scoreName">Name of the score.</param>
    /// <param name="epoch">The epoch.</param>
    /// <exception cref="WeightFileException">A file cannot be written.</exception>
    public void Append(string scoreName, EpochResult epoch)
    {
        ArgumentNullException.ThrowIfNull(scoreName);
        ArgumentNullException.ThrowIfNull(epoch);
        Number("training loss", epoch.Training.Loss, epoch.Epoch);
        Number($"training {scoreName}", epoch.Training.Score, epoch.Epoch);
        Number("learning rate", epoch.LearningRate, epoch.Epoch);
        if (epoch.Validation is not { } validation)
            return;
        Number("validation loss", validation.Loss, epoch.Epoch);
        Number($"validation {scoreName}", validation.Score, epoch.Epoch);
    }

    /// <summary>Ends the run.</summary>
    /// <param name="isFinished">Whether it came to its end; false where a person stopped it.</param>
    /// <param name="epochs">Epochs that it had.</param>
    /// <param name="metrics">Final metrics of each part.</param>
    /// <param name="artifacts">Files to keep with it; those that are not there are passed over.</param>
    /// <exception cref="WeightFileException">A file cannot be read or written.</exception>
    public void End(
        bool isFinished, int epochs, IEnumerable<(string Part, Metric Metric)> metrics, params IEnumerable<string> artifacts)
    {
        const int finished = 3, killed = 5;
        ArgumentNullException.ThrowIfNull(metrics);
        ArgumentNullException.ThrowIfNull(artifacts);
        foreach (var (part, metric) in metrics)
            Number($"final {part} {metric.Name}", metric.Value, epochs);
        foreach (var path in artifacts.Where(File.Exists))
            AtomicFile.Write(Path.Combine(folder, "artifacts", Path.GetFileName(path)), file => file.Write(File.ReadAllBytes(path)));
        Describe(isFinished ? finished : killed, DateTimeOffset.UtcNow);
    }

    private void Describe(int status, DateTimeOffset? end) => Write(Path.Combine(folder, "meta.yaml"), Yaml(
        ("artifact_uri", Quoted(new Uri(Path.Combine(folder, "artifacts")).AbsoluteUri)),
        ("end_time", end is { } time ? Text(Time(time)) : "null"),
        ("entry_point_name", "''"),
        ("experiment_id", Quoted(Experiment)),
        ("lifecycle_stage", "active"),
        ("run_id", Quoted(id)),
        ("run_name", Quoted(name)),
        ("run_uuid", Quoted(id)),
        ("source_name", "''"),
        ("source_type", "4"),
        ("source_version", "''"),
        ("start_time", Text(Time(start))),
        ("status", Text(status)),
        ("tags", "[]"),
        ("user_id", Quoted(Environment.UserName))));

    /// <summary>A line of a number's file: when, what, and at which epoch.</summary>
    private void Number(string key, double value, int step)
    {
        if (!double.IsFinite(value))
            return;
        var path = At("metrics", key);
        var before = File.Exists(path)
            ? File.ReadLines(path).Where(line => int.TryParse(line[(line.LastIndexOf(' ') + 1)..], out var other) && other < step)
            : [];
        var line = string.Create(CultureInfo.InvariantCulture, $"{Time(DateTimeOffset.UtcNow)} {value:R} {step}");
        Write(path, string.Concat(before.Append(line).Select(one => one + "\n")));
    }

    /// <summary>Names may have letters, digits, spaces and some signs; others become underscores.</summary>
    private string At(string part, string key) => Path.Combine(
        folder, part, string.Concat(key.Select(sign => char.IsAsciiLetterOrDigit(sign) || sign is ' ' or '-' or '.' or '_' ? sign : '_')));

    private static long Time(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Yaml(params IEnumerable<(string Name, string Value)> lines) =>
        string.Concat(lines.Select(line => $"{line.Name}: {line.Value}\n"));

    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static void Write(string path, string text) => AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text)));
}
