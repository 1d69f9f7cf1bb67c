using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn compare</c>: a page that shows runs side by side.</summary>
internal static class CompareCommand
{
    // Whether a run was stopped and where it lies says nothing of it.
    private static readonly string[] NoOptions = ["resume", "output", "config"];

    public static Command Create()
    {
        var folders = new Argument<string[]>("runs")
        {
            Description = "Folders of runs, at least two, in the order in which they are shown.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = CommonOptions.Parsed("--output", "HTML file to write.", text => text, "comparison.html");
        output.Aliases.Add("-o");
        var command = new AnnouncedCommand(
            "compare",
            "Show runs side by side in one HTML page: final metrics with their intervals, curves of loss and metrics, options that differ.")
        {
            folders, output,
        };
        command.FirstLine = parsed => $"Comparing {string.Join(", ", parsed.GetValue(folders)!)}.";
        command.SetAction(parsed =>
        {
            var paths = parsed.GetValue(folders)!;
            if (paths.Length < 2)
                throw new ArgumentException($"'{paths[0]}' alone has nothing to be compared with; name at least two folders of runs.");
            if (paths.GroupBy(Whole).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new ArgumentException($"The run '{twice.First()}' is named {twice.Count()} times; name each run once.");
            var target = parsed.GetValue(output)!;
            if (Directory.Exists(target))
                throw new ArgumentException($"'{target}' is a folder; name the HTML file to write by --output.");
            var names = Names(paths);
            ComparedRun[] runs = [.. paths.Select((path, i) => Read(path, names[i]))];
            var comparison = new Comparison(runs);
            comparison.Write(target);
            foreach (var run in runs.Where(run => run.Parts.Count == 0))
                Console.WriteLine(Printable.Of($"Note: {run.Name} has no final metrics: it is not done."));
            Console.WriteLine(Printable.Of(string.Create(
                CultureInfo.InvariantCulture,
                $"{runs.Length} runs, {comparison.DifferingOptions.Count} option(s) differ: {target}.")));
            return Program.Success;
        });
        return command;
    }

    private static ComparedRun Read(string path, string name)
    {
        var folder = new RunFolder(path);
        var record = RunRecord.Read(folder);
        return new(name)
        {
            Settings = [.. OptionFile.Settings(folder.Options).Where(setting => !NoOptions.Contains(setting.Key))],
            Curves = record.Epochs,
            Parts = record.Metrics,
        };
    }

    private static string Whole(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <summary>The last names of the folders, or as many of the names before them as it takes to tell them apart.</summary>
    private static string[] Names(string[] paths)
    {
        string[][] parts = [.. paths.Select(path => Whole(path).Split(Path.DirectorySeparatorChar))];
        for (var count = 1; ; count++)
        {
            string[] names = [.. parts.Select(part => string.Join('/', part.TakeLast(count)))];
            if (names.Distinct(StringComparer.Ordinal).Count() == names.Length || count > parts.Max(part => part.Length))
                return names;
        }
    }
}
