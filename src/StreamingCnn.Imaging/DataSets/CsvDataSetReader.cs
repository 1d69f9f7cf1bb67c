using System.Globalization;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>Reads a data set from CSV and collects all that is wrong with it before it complains.</summary>
internal sealed class CsvDataSetReader(string path, CsvOptions options)
{
    private readonly DataProblems problems = new();
    private readonly List<string> notes = [];
    private readonly List<(int Line, string Field, string Role, string File, bool IsImage)> files = [];
    private readonly List<ListedImage> rows = [];
    private readonly Dictionary<string, int> firstUse = new(StringComparer.Ordinal);
    private readonly RealPaths realPaths = new();
    private readonly IReadOnlyList<string> labelNames = options.IsInFiles ? [] : options.LabelColumns;
    private readonly string root = options.Root ?? Path.GetDirectoryName(Path.GetFullPath(path))!;

    private sealed record ListedImage(int Line, string Image, string[] Labels, string? Mask, string? Split, double? Resolution)
    {
        public string[] Further { get; init; } = [];

        public string? Group { get; init; }

        public int? Fold { get; init; }

        public double Weight { get; init; } = 1;
    }

    private sealed record ColumnPlaces(
        int Image, int[] Further, int[] Labels, int Mask, int Split, int Resolution, int Group, int Fold, int Weight);

    public ImageDataSet Read()
    {
        RefuseOptions();
        var candidates = options.ImageColumn is { } given ? [given] : ImageTable.ImageColumns;
        var table = Table.Read(path, candidates, problems);
        notes.AddRange(table.Notes);
        if (Columns(table, candidates) is { } columns)
        {
            foreach (var row in table.Rows)
                Row(row, columns, table);
            if (rows.Count == 0 && problems.Count == 0)
                problems.Add("no line with an image follows the names of the columns", table.HeaderLine);
        }

        var labels = new LabelColumns(options, table.Delimiter == ';', problems, notes);
        var data = options.Labels switch
        {
            LabelKind.Class => Classes(labels),
            LabelKind.Mixed => Mixed(table.Delimiter == ';'),
            _ => Numbers(labels),
        };
        if (options.CheckImages)
            OpenFiles();
        problems.ThrowIfAny(path);
        return data;
    }

    private void RefuseOptions()
    {
        if (options.IsInFiles)
            return;
        var names = string.Join(", ", options.LabelColumns);
        if (options.LabelColumns.Count == 0 || options.LabelColumns.Any(string.IsNullOrWhiteSpace))
            throw new DataSetException(
                path, ["a label column without a name was asked for; write the names of the columns, separated by commas"]);
        if (options.Labels == LabelKind.Class && options.LabelColumns.Count > 1)
        {
            throw new DataSetException(
                path,
                [
                    $"classes stand in one column, but {options.LabelColumns.Count} were named ({names}); name one, "
                        + "or say that they are labels of 0 and 1 or numbers",
                ]);
        }

        if (options.Labels == LabelKind.Mixed && (options.ColumnKinds.Count != options.LabelColumns.Count
            || options.ColumnKinds.Any(kind => kind is not (LabelKind.Class or LabelKind.MultiLabel or LabelKind.Regression))))
            throw new DataSetException(path, ["columns of different kinds were asked for; say of each whether it names classes, is 0 and 1, or is a number"]);
        var named = options.LabelColumns.GroupBy(name => name, StringComparer.OrdinalIgnoreCase);
        if (named.FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new DataSetException(path, [$"the label column '{twice.Key}' was named {twice.Count()} times; name it once"]);
    }

    private ColumnPlaces? Columns(Table table, IReadOnlyList<string> candidates)
    {
        var named = table.Columns.Where(name => name.Length > 0).GroupBy(name => name, StringComparer.OrdinalIgnoreCase);
        foreach (var twice in named.Where(group => group.Count() > 1))
            problems.Add($"the column '{twice.Key}' appears {twice.Count()} times", table.HeaderLine);
        var image = candidates.Select(table.Find).FirstOrDefault(place => place >= 0, -1);
        if (image < 0)
            problems.Add($"there is no column '{candidates[0]}'; the columns are {table.ColumnNames}", table.HeaderLine);
        var further = options.FurtherColumns.Select(table.Find).ToArray();
        foreach (var (name, place) in options.FurtherColumns.Zip(further))
        {
            if (place < 0)
                problems.Add($"there is no column '{name}'; the columns are {table.ColumnNames}", table.HeaderLine);
        }

        var labels = labelNames.Select(table.Find).ToArray();
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0)
                problems.Add($"there is no column '{labelNames[i]}'; the columns are {table.ColumnNames}", table.HeaderLine);
        }

        var mask = table.Find(options.MaskColumn);
        if (options.IsInFiles && mask < 0)
            problems.Add($"there is no column '{options.MaskColumn}'; the columns are {table.ColumnNames}", table.HeaderLine);
        var group = options.GroupColumn is { } wanted ? table.Find(wanted) : -1;
        if (options.GroupColumn is { } missing && group < 0 && options.RequireGroup)
            problems.Add($"there is no column '{missing}'; the columns are {table.ColumnNames}", table.HeaderLine);
        var weight = options.WeightColumn is { } column ? table.Find(column) : -1;
        if (options.WeightColumn is { } absent && weight < 0)
            problems.Add($"there is no column '{absent}'; the columns are {table.ColumnNames}", table.HeaderLine);
        if (image < 0 || further.Contains(-1) || labels.Contains(-1) || (options.IsInFiles && mask < 0))
            return null;
        if (labels.FirstOrDefault(label => label == image || further.Contains(label), -1) is >= 0 and var both)
            problems.Add(
                $"the column '{table.Columns[both]}' cannot be the image and its label; name another label column", table.HeaderLine);
        return new ColumnPlaces(
            image,
            further,
            labels,
            mask,
            table.Find(options.SplitColumn),
            UnlessLabel(options.ResolutionColumn),
            group,
            UnlessLabel(options.FoldColumn),
            weight);

        int UnlessLabel(string name) => table.Find(name) is var place && labels.Contains(place) ? -1 : place;
    }

    private void Row(TableRow row, ColumnPlaces columns, Table table)
    {
        var (line, fields) = row;
        var image = ExistingFile(fields[columns.Image], "image", line, isImage: true);
        if (image is not null && realPaths.Of(image) is var real && !firstUse.TryAdd(real, line))
            problems.Add($"it was listed already in line {firstUse[real]}", line, fields[columns.Image], "image");
        var further = columns.Further
            .Select(column => ExistingFile(fields[column], table.Columns[column], line, isImage: true) ?? "").ToArray();
        var maskFile = options.IsInFiles ? fields[columns.Mask] : Field(columns.Mask);
        var mask = maskFile is null ? null : ExistingFile(maskFile, options.MaskColumn, line);
        var split = Field(columns.Split) is { } part ? TextForm.Clean(part) : null;
        var resolution = Field(columns.Resolution) is { } text
            ? TableNumber.Resolution(text, table.Delimiter == ';', line, problems)
            : null;
        var group = Field(columns.Group) is { } of ? TextForm.Clean(of) : null;
        if (columns.Group >= 0 && string.IsNullOrEmpty(group))
            problems.Add(
                $"{options.GroupColumn} is empty; write what the image belongs to, a name of its own where it belongs to nothing", line);
        rows.Add(new(line, image ?? "", [.. columns.Labels.Select(place => TextForm.Clean(fields[place]))], mask, split, resolution)
        {
            Further = further,
            Group = group,
            Fold = Field(columns.Fold) is { } number ? Fold(number, line) : null,
            Weight = columns.Weight >= 0 ? Weight(fields[columns.Weight], table.Delimiter == ';', line) : 1,
        });

        string? Field(int place) => place >= 0 && fields[place].Length > 0 ? fields[place] : null;
    }

    private double Weight(string text, bool decimalComma, int line)
    {
        if (TableNumber.TryParse(text, decimalComma, out var weight) && weight >= 0)
            return weight;
        problems.Add($"the weight '{text}' is not a number of at least 0; write one, 1 for an image that counts once", line);
        return 1;
    }

    private int? Fold(string text, int line)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var fold) && fold >= 1)
            return fold;
        problems.Add($"the fold '{text}' is not a whole number of at least 1; write one, or leave the field empty", line);
        return null;
    }

    private string? ExistingFile(string field, string role, int line, bool isImage = false)
    {
        if (field.Length == 0)
        {
            problems.Add($"the {role} is empty", line);
            return null;
        }

        var full = TablePath.Find(root, field);
        if (options.CheckImages)
            files.Add((line, field, role, full, isImage));
        else if (!File.Exists(full))
            problems.Add("there is no such file", line, field, role);
        return full;
    }

    private void OpenFiles()
    {
        // Shapes need their image to be understood, and in maps of numbers some may be missing; all of those are read through later.
        var pixels = files.Where(file => file.IsImage
            || (options.Labels != LabelKind.Map && (!options.IsInFiles || !ShapeFileName.HasShapes(file.File)))).ToArray();
        var found = FileCheck.Problems([.. pixels.Select(file => (file.File, file.IsImage ? options.Reading : null))]);
        foreach (var ((line, field, role, _, _), problem) in pixels.Zip(found))
        {
            if (problem is not null)
                problems.Add(problem, line, field, role);
        }
    }

    private ImageDataSet Numbers(LabelColumns labels)
    {
        var targets = labels.Numbers([.. rows.Select(row => (row.Line, row.Labels))]);
        return new ImageDataSet(
            [.. rows.Select((row, i) => Item(row, -1, targets[i]))],
            options.Labels == LabelKind.MultiLabel ? options.LabelColumns : [],
            notes);
    }

    /// <summary>
    /// Each column by itself, as if it were the only one, and read of the images alone that have a value in it: of the others it is NaN.
    /// </summary>
    private ImageDataSet Mixed(bool decimalComma)
    {
        var classes = new IReadOnlyList<string>[labelNames.Count];
        var targets = rows.Select(_ => new double[labelNames.Count]).ToArray();
        for (var column = 0; column < labelNames.Count; column++)
        {
            var alone = options with
            {
                Labels = options.ColumnKinds[column],
                LabelColumns = [labelNames[column]],
                KnownClasses = options.KnownColumnClasses.ElementAtOrDefault(column) ?? [],
            };
            var labels = new LabelColumns(alone, decimalComma, problems, notes);
            classes[column] = [];
            var present = labels.Present([.. rows.Select(row => row.Labels[column])]);
            ListedImage[] own = [.. rows.Where((_, i) => present[i])];
            int[] places = [.. present.Index().Where(one => one.Item).Select(one => one.Index)];
            foreach (var (i, _) in present.Index().Where(one => !one.Item))
                targets[i][column] = double.NaN;
            if (own.Length < rows.Count)
                NoteMissing(labelNames[column], rows.Count - own.Length);
            if (alone.Labels == LabelKind.Class)
            {
                var names = labels.Classes([.. own.Select(row => (row.Line, row.Labels[column]))]);
                classes[column] = ClassNames.Order(names);
                notes.AddRange(ClassNames.Alike(classes[column]));
                var indices = classes[column].Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
                foreach (var (i, name) in names.Index())
                    targets[places[i]][column] = indices[name];
                continue;
            }

            foreach (var (i, numbers) in labels.Numbers([.. own.Select(row => (row.Line, (string[])[row.Labels[column]]))]).Index())
                targets[places[i]][column] = numbers[0];
        }

        foreach (var (row, _) in rows.Zip(targets).Where(one => one.Second.All(double.IsNaN)))
            problems.Add("none of its label columns has a value; fill one in, or leave out the line", row.Line);

        return new ImageDataSet([.. rows.Select((row, i) => Item(row, -1, targets[i]))], [], notes) { ColumnClasses = classes };
    }

    private void NoteMissing(string column, int images)
    {
        if (images == rows.Count)
            problems.Add($"no image has a value in the column '{column}'; fill it in, or name other label columns");
        else
            notes.Add($"{images} of {rows.Count} images have no value in the column '{column}', and count for the others alone");
    }

    private ImageDataSet Classes(LabelColumns labels)
    {
        var names = labels.Classes([.. rows.Select(row => (row.Line, row.Labels[0]))]);
        var classes = ClassNames.Order(names);
        notes.AddRange(ClassNames.Alike(classes));
        var places = classes.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        return new ImageDataSet([.. rows.Select((row, i) => Item(row, places[names[i]], []))], classes, notes);
    }

    private static ImageItem Item(ListedImage row, int label, IReadOnlyList<double> targets) =>
        new(row.Image, label, targets)
        {
            Further = row.Further,
            Mask = row.Mask,
            Split = row.Split,
            MicrometresPerPixel = row.Resolution,
            Group = row.Group,
            Fold = row.Fold,
            Weight = row.Weight,
            Line = row.Line,
        };
}
