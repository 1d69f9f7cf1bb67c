using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>Reads a data set from CSV and collects all that is wrong with it before it complains.</summary>
internal sealed class CsvDataSetReader(string path, CsvOptions options)
{
    private readonly List<(int Line, string Text)> problems = [];
    private readonly List<(int Line, string Mention, string File)> files = [];
    private readonly List<(string Image, string[] Labels, string? Mask, string? Split)> rows = [];
    private readonly Dictionary<string, int> firstUse = new(StringComparer.Ordinal);
    private readonly string root = options.Root ?? Path.GetDirectoryName(Path.GetFullPath(path))!;

    public ImageDataSet Read()
    {
        if (!File.Exists(path))
            throw new DataSetException(path, ["there is no such file; check the path"]);
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            DetectDelimiter = true,
            DetectDelimiterValues = [",", ";", "\t"],
            TrimOptions = TrimOptions.Trim,
            BadDataFound = bad => problems.Add((bad.Context.Parser?.RawRow ?? 0, "a quotation mark is out of place")),
        };
        using var reader = new StreamReader(path);
        using var parser = new CsvParser(reader, configuration);
        if (!parser.Read())
            throw new DataSetException(path, ["the file is empty; its first line must name the columns, such as image,label"]);
        var columns = Columns(parser.Record!);
        while (columns is not null && parser.Read())
            Row(parser.Record!, parser.RawRow, columns);
        if (columns is not null && rows.Count == 0 && problems.Count == 0)
            problems.Add((1, "no line with an image follows the names of the columns"));
        if (options.CheckImages)
            OpenFiles();
        return problems.Count == 0
            ? Assemble()
            : throw new DataSetException(path, [.. problems.OrderBy(problem => problem.Line).Select(problem => $"line {problem.Line}: {problem.Text}")]);
    }

    private sealed record ColumnPlaces(int Count, int Image, int[] Labels, int Mask, int Split);

    private ColumnPlaces? Columns(string[] header)
    {
        var names = header.ToList();
        int Find(string name) => names.FindIndex(column => string.Equals(column, name, StringComparison.OrdinalIgnoreCase));
        foreach (var twice in names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
            problems.Add((1, $"the column '{twice.Key}' appears {twice.Count()} times"));
        string[] candidates = options.ImageColumn is { } given ? [given] : ["image", "path", "file"];
        var image = candidates.Select(Find).FirstOrDefault(place => place >= 0, -1);
        if (image < 0)
            problems.Add((1, $"there is no column '{candidates[0]}'; the columns are {string.Join(", ", names)}"));
        var labels = options.LabelColumns.Select(Find).ToArray();
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0)
                problems.Add((1, $"there is no column '{options.LabelColumns[i]}'; the columns are {string.Join(", ", names)}"));
        }

        return image < 0 || labels.Contains(-1) ? null : new ColumnPlaces(names.Count, image, labels, Find(options.MaskColumn), Find(options.SplitColumn));
    }

    private void Row(string[] fields, int line, ColumnPlaces columns)
    {
        if (fields.All(field => field.Length == 0))
            return;
        if (fields.Length != columns.Count)
        {
            problems.Add((line, $"{fields.Length} field(s) where the first line names {columns.Count}"));
            return;
        }

        var image = ExistingFile(fields[columns.Image], "image", line);
        if (image is not null && !firstUse.TryAdd(image, line))
            problems.Add((line, $"the image {fields[columns.Image]} was listed already in line {firstUse[image]}"));
        var labels = columns.Labels.Select(place => fields[place]).ToArray();
        for (var i = 0; i < labels.Length; i++)
        {
            if (LabelProblem(labels[i]) is { } problem)
                problems.Add((line, $"{options.LabelColumns[i]} {problem}"));
        }

        var mask = columns.Mask >= 0 && fields[columns.Mask].Length > 0 ? ExistingFile(fields[columns.Mask], "mask", line) : null;
        var split = columns.Split >= 0 && fields[columns.Split].Length > 0 ? fields[columns.Split] : null;
        rows.Add((image ?? "", labels, mask, split));
    }

    private string? ExistingFile(string field, string role, int line)
    {
        if (field.Length == 0)
        {
            problems.Add((line, $"the {role} is empty"));
            return null;
        }

        // Lists written on Windows have backslashes in relative paths.
        var local = Path.DirectorySeparatorChar == '/' && !field.StartsWith('/') ? field.Replace('\\', '/') : field;
        var full = Path.GetFullPath(Path.Combine(root, local));
        if (options.CheckImages)
            files.Add((line, $"the {role} {field}", full));
        else if (!File.Exists(full))
            problems.Add((line, $"the {role} {field}: there is no such file"));
        return full;
    }

    private void OpenFiles()
    {
        var found = FileCheck.Problems([.. files.Select(file => file.File)]);
        for (var i = 0; i < files.Count; i++)
        {
            if (found[i] is { } problem)
                problems.Add((files[i].Line, $"{files[i].Mention}: {problem}"));
        }
    }

    private string? LabelProblem(string text)
    {
        if (text.Length == 0)
            return "is empty";
        if (options.Labels == LabelKind.Class)
            return null;
        // With a point: a comma would be passed over as one between thousands, and 0,5 read as 5.
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
            return $"'{text}' is not a number";
        return options.Labels == LabelKind.MultiLabel && value is not (0 or 1) ? $"'{text}' is neither 0 nor 1" : null;
    }

    private ImageDataSet Assemble()
    {
        if (options.Labels != LabelKind.Class)
        {
            var numbered = rows.Select(row => new ImageItem(row.Image, -1, [.. row.Labels.Select(text => double.Parse(text, CultureInfo.InvariantCulture))])
            {
                Mask = row.Mask,
                Split = row.Split,
            });
            return new ImageDataSet([.. numbered], options.Labels == LabelKind.MultiLabel ? options.LabelColumns : []);
        }

        var names = rows.Select(row => string.Join('|', row.Labels)).ToList();
        var classes = ClassNames.Order(names);
        var items = rows.Select((row, i) => new ImageItem(row.Image, classes.IndexOf(names[i]), []) { Mask = row.Mask, Split = row.Split });
        return new ImageDataSet([.. items], classes);
    }
}
