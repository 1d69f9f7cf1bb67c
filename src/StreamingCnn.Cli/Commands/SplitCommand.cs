using System.CommandLine;
using System.Globalization;
using System.Text;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn split</c>: divides a data set and writes the parts into its table.</summary>
internal static class SplitCommand
{
    public static Command Create()
    {
        var train = new TrainOptions();
        var data = new Argument<string>("data")
        {
            Description =
                "CSV file with the columns image,label (paths relative to the file), or a folder with one folder of images for each class.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "CSV file to write, in the folder of the table, since its paths are relative to that. Default: the table itself, which gets the column.",
        };
        var validation = CommonOptions.Share("--validation", "Share of the images in the part 'validation', from 0 to below 1.", 0.2);
        var test = CommonOptions.Share("--test", "Share of the images in the part 'test', from 0 to below 1.", 0.2);
        var folds = CommonOptions.OptionalNumber("--folds", "Write a column fold of 1 to so many instead, for a cross-validation.", 2);
        var seed = CommonOptions.Number("--seed", "The same seed makes the same parts.", 1, 0);
        var command = new AnnouncedCommand(
            "split",
            "Divide images into training, validation and test, or into folds: every class in its share, no group and no copy of an image in two parts.")
        {
            data, output, train.Group, validation, test, folds,
            train.Labels.Task, train.Labels.LabelColumns, train.Labels.LiteralLabels, seed,
        };
        command.FirstLine = parsed => $"Dividing {parsed.GetValue(data)}.";
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(data)!;
            var target = Target(path, parsed.GetValue(output));
            var parts = parsed.GetValue(folds) is { } count
                ? DividedTable.Folds(path, train.Columns(parsed), count, parsed.GetValue(seed))
                : DividedTable.Parts(path, train.Columns(parsed), parsed.GetValue(validation), parsed.GetValue(test),
                    parsed.GetValue(seed));
            foreach (var note in parts.Notes)
                Console.WriteLine(Printable.Of($"Note: {note}."));
            AtomicFile.Write(target, file => file.Write(Encoding.UTF8.GetBytes(parts.Text(target))));
            foreach (var line in parts.Summary)
                Console.WriteLine(Printable.Of(line));
            Console.WriteLine(Printable.Of(string.Create(CultureInfo.InvariantCulture, $"The column {parts.Column} is in {target}.")));
            return Program.Success;
        });
        return command;
    }

    private static string Target(string data, string? output)
    {
        if (Directory.Exists(data))
            return output ?? throw new ArgumentException($"'{data}' is a folder; name the table to write by --output.");
        if (output is null)
            return data;
        var (from, to) = (Path.GetDirectoryName(Path.GetFullPath(data)), Path.GetDirectoryName(Path.GetFullPath(output)));
        return from == to
            ? output
            : throw new ArgumentException(
                $"The table '{output}' would lie in another folder than '{data}', to which the paths in it are relative; write it there.");
    }
}
