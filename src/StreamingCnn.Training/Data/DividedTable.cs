using System.Globalization;
using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Training.Data;

/// <summary>A data set divided into parts or folds, to be written into its table.</summary>
public sealed class DividedTable
{
    private readonly string path;
    private readonly ImageDataSet data;
    private readonly IReadOnlyList<string> names;
    private readonly IReadOnlyList<string> parts;

    private DividedTable(string path, ImageDataSet data, IReadOnlyList<double> shares, IReadOnlyList<string> names, int seed, string column)
    {
        this.path = path;
        this.data = data;
        this.names = names;
        Column = column;
        var contents = new SameContent();
        parts = [.. contents.Divide(data, shares, seed).Select(part => names[part])];
        var same = contents.Of(data.Items);
        Notes = [.. data.Notes, .. same.Count == 0 ? (string[])[] : [Copies(same)]];
    }

    /// <summary>Name of the column of the parts.</summary>
    public string Column { get; }

    /// <summary>What a person should know of the data, a sentence each without its full stop.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>For each part a line: how many images it has, of how many groups, and of each class.</summary>
    public IEnumerable<string> Summary => names.Select(name =>
    {
        var part = data.Items.Where((_, index) => parts[index] == name).ToArray();
        var groups = part.All(item => item.Group is not null)
            ? FormattableString.Invariant($" of {part.Select(item => item.Group).Distinct().Count()} groups") : "";
        var classes = part.Where(item => item.Label >= 0).CountBy(item => item.Label).OrderBy(count => count.Key)
            .Select(count => FormattableString.Invariant($"{count.Value} {data.Classes[count.Key]}"));
        var labels = part[0].Label >= 0 ? classes
            : data.Classes.Select((name, label) => FormattableString.Invariant($"{part.Count(item => item.Targets[label] >= 0.5)} {name}"));
        return FormattableString.Invariant(
            $"{name}: {part.Length} images{groups}{(labels.Any() ? $" ({string.Join(", ", labels)})" : "")}");
    });

    /// <summary>Divides into training, validation and test.</summary>
    /// <param name="path">A CSV file, or a folder with one folder for each class.</param>
    /// <param name="columns">Meaning of a CSV file's columns.</param>
    /// <param name="validation">Share of validation, from 0 to below 1; 0 for none.</param>
    /// <param name="test">Share of the test, likewise.</param>
    /// <param name="seed">The same seed makes the same parts.</param>
    /// <exception cref="DataSetException">Something is wrong with the data.</exception>
    /// <exception cref="ArgumentException">The shares leave nothing to learn from, or there are fewer groups than parts.</exception>
    public static DividedTable Parts(string path, CsvOptions columns, double validation, double test, int seed)
    {
        if (!(validation >= 0 && test >= 0 && validation + test > 0 && validation + test < 1))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"Shares of {validation} for validation and {test} for the test are no division; write two that are above 0 and below 1 together."));
        }

        (string Name, double Share)[] shares = [(DataPart.Training, 1 - validation - test), (DataPart.Validation, validation),
            (DataPart.Test, test)];
        var filled = shares.Where(part => part.Share > 0).ToArray();
        return new(path, Read(path, columns), [.. filled.Select(part => part.Share)], [.. filled.Select(part => part.Name)], seed,
            columns.SplitColumn);
    }

    /// <summary>Divides into folds of equal size, as a cross-validation with the same seed does.</summary>
    /// <param name="path">A CSV file, or a folder with one folder for each class.</param>
    /// <param name="columns">Meaning of a CSV file's columns.</param>
    /// <param name="count">How many folds, at least 2.</param>
    /// <param name="seed">The same seed makes the same folds.</param>
    /// <exception cref="DataSetException">Something is wrong with the data.</exception>
    /// <exception cref="ArgumentException">There are fewer groups than folds.</exception>
    public static DividedTable Folds(string path, CsvOptions columns, int count, int seed)
    {
        ArgumentNullException.ThrowIfNull(columns);
        var names = Enumerable.Range(1, count).Select(fold => fold.ToString(CultureInfo.InvariantCulture)).ToArray();
        return new(path, Read(path, columns), [.. names.Select(_ => 1.0)], names, seed, columns.FoldColumn);
    }

    /// <summary>The table with the column of the parts.</summary>
    /// <param name="target">Where it is to be written: paths of a folder's images are relative to its folder.</param>
    /// <exception cref="DataSetException">The table has such a column already.</exception>
    public string Text(string target)
    {
        if (!Directory.Exists(path))
            return TableColumn.Append(path, Column, data.Items.Zip(parts).ToDictionary(one => one.First.Line, one => one.Second));
        var folder = Path.GetDirectoryName(Path.GetFullPath(target))!;
        return TableColumn.Text(
            ',',
            data.Items.Zip(parts, (item, part) =>
                (IEnumerable<string>)[Path.GetRelativePath(folder, item.Path), data.Classes[item.Label], part])
                .Prepend(["image", "label", Column]));
    }

    private static ImageDataSet Read(string path, CsvOptions columns)
    {
        LabelledImages.RefuseGroupsOfFolder(path, columns);
        // Images are looked into before they are trained on.
        return Directory.Exists(path)
            ? ImageDataSet.FromFolders(path, checkImages: false) : ImageDataSet.FromCsv(path, columns with { CheckImages = false });
    }

    private static string Copies(IReadOnlyList<IReadOnlyList<ImageItem>> same) =>
        $"{same.Count} image(s) are there under several names, and stay in one part each: {string.Join(" = ", same[0].Select(item => item.Path))}{(same.Count > 1 ? ", ..." : "")}";
}
