namespace StreamingCnn.Imaging.DataSets;

/// <summary>Reads a table that names images and says nothing else of them, or nothing that matters: images to predict.</summary>
public static class ImageTable
{
    /// <summary>Names of which the column of images has one.</summary>
    internal static IReadOnlyList<string> ImageColumns { get; } = ["image", "path", "file"];

    /// <summary>The images of a table, relative to its folder, in its order; whether they are there is not looked at.</summary>
    /// <param name="path">
    /// The table, as for <see cref="ImageDataSet.FromCsv"/>, with a column <c>image</c>, <c>path</c> or <c>file</c>,
    /// and perhaps <c>mpp</c>.
    /// </param>
    /// <returns>The images, and what is to be known of the table, a sentence each without its full stop.</returns>
    /// <exception cref="DataSetException">The table cannot be read.</exception>
    /// <exception cref="ArgumentException">It has no such column, or names no image.</exception>
    public static (IReadOnlyList<ImageItem> Images, IReadOnlyList<string> Notes) Read(string path) => Read(path, []);

    /// <summary>The images of a table whose lines name several that are read side by side.</summary>
    /// <param name="path">The table, with columns of these names, and perhaps <c>mpp</c>.</param>
    /// <param name="inputs">Columns of the images, the first of which the line is called by; none for one image, as above.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static (IReadOnlyList<ImageItem> Images, IReadOnlyList<string> Notes) Read(string path, IReadOnlyList<string> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var problems = new DataProblems();
        var table = Table.Read(path, inputs.Count > 0 ? inputs : ImageColumns, problems);
        var column = inputs.Count > 0
            ? table.Find(inputs[0])
            : ImageColumns.Select(table.Find).FirstOrDefault(place => place >= 0, -1);
        var further = inputs.Skip(1).Select(table.Find).ToArray();
        if (column < 0)
            throw new ArgumentException(
                $"The table '{path}' has no column {string.Join(", ", inputs.Count > 0 ? inputs.Take(1) : ImageColumns)}; its columns are {table.ColumnNames}.");
        if (Array.IndexOf(further, -1) is >= 0 and var missing)
            throw new ArgumentException(
                $"The table '{path}' has no column {inputs[missing + 1]}, of the images that are read side by side; its columns are {table.ColumnNames}.");
        var resolution = table.Find(new CsvOptions().ResolutionColumn);
        var root = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var named = table.Rows.Where(row => row.Fields[column].Length > 0);
        var images = named.Select(row => new ImageItem(TablePath.Find(root, row.Fields[column]), -1, [])
        {
            Further = [.. further.Select(place => Further(row, place))],
            MicrometresPerPixel = resolution < 0
                ? null
                : TableNumber.Resolution(row.Fields[resolution], table.Delimiter == ';', row.Line, problems),
            Line = row.Line,
        }).ToArray();
        problems.ThrowIfAny(path);
        return images.Length > 0
            ? (images, table.Notes)
            : throw new ArgumentException($"The table '{path}' names no image below its first line.");

        string Further(TableRow row, int place)
        {
            if (row.Fields[place].Length == 0)
                problems.Add($"the {table.Columns[place]} is empty", row.Line);
            return TablePath.Find(root, row.Fields[place]);
        }
    }
}
