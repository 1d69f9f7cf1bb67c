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
    public static (IReadOnlyList<ImageItem> Images, IReadOnlyList<string> Notes) Read(string path)
    {
        var problems = new DataProblems();
        var table = Table.Read(path, ImageColumns, problems);
        var column = ImageColumns.Select(table.Find).FirstOrDefault(place => place >= 0, -1);
        if (column < 0)
            throw new ArgumentException(
                $"The table '{path}' has no column {string.Join(", ", ImageColumns)}; its columns are {table.ColumnNames}.");
        var resolution = table.Find(new CsvOptions().ResolutionColumn);
        var root = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var named = table.Rows.Where(row => row.Fields[column].Length > 0);
        var images = named.Select(row => new ImageItem(TablePath.Find(root, row.Fields[column]), -1, [])
        {
            MicrometresPerPixel = resolution < 0
                ? null
                : TableNumber.Resolution(row.Fields[resolution], table.Delimiter == ';', row.Line, problems),
            Line = row.Line,
        }).ToArray();
        problems.ThrowIfAny(path);
        return images.Length > 0
            ? (images, table.Notes)
            : throw new ArgumentException($"The table '{path}' names no image below its first line.");
    }
}
