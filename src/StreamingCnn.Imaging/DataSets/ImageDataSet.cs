namespace StreamingCnn.Imaging.DataSets;

/// <summary>A list of labelled images, checked before training starts.</summary>
public sealed class ImageDataSet
{
    internal ImageDataSet(IReadOnlyList<ImageItem> items, IReadOnlyList<string> classes, IReadOnlyList<string>? notes = null)
    {
        Items = items;
        Classes = classes;
        Notes = notes ?? [];
    }

    /// <summary>The images in the order of the file, or sorted by path for folders.</summary>
    public IReadOnlyList<ImageItem> Items { get; }

    /// <summary>
    /// Names of the classes, in the order of their indices: numbers by value, other names alphabetically. For multi-label data the names of
    /// the label columns; empty for regression.
    /// </summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>
    /// Where label columns are of different kinds, for each column the names of its classes in the order of their indices; empty for a
    /// column of another kind. Empty where there are no such columns.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<string>> ColumnClasses { get; init; } = [];

    /// <summary>
    /// What was passed over or decided in reading, a sentence each without its full stop: files that are no images,
    /// labels that were taken for one.
    /// </summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Reads a CSV file with a header, such as <c>image,label</c>.</summary>
    /// <param name="path">
    /// The file: UTF-8 with or without a mark, UTF-16 with one, or Windows-1252; any line ends; comma, semicolon or
    /// tab, or what a first line <c>sep=;</c> says; quoted fields.
    /// </param>
    /// <param name="options">Names and meaning of columns; null for the defaults.</param>
    /// <exception cref="DataSetException">Anything is wrong; lists everything with line numbers.</exception>
    public static ImageDataSet FromCsv(string path, CsvOptions? options = null) =>
        new CsvDataSetReader(path, options ?? new CsvOptions()).Read();

    /// <summary>
    /// Reads a folder with one folder of images per class. Files whose names start with a dot, and files that are no
    /// images, are passed over.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="checkImages">Open every image and report those that are damaged, as <see cref="CsvOptions.CheckImages"/> does.</param>
    /// <param name="reading">What the images mean that are opened so, as <see cref="CsvOptions.Reading"/>; null for the defaults.</param>
    /// <exception cref="DataSetException">Anything is wrong; lists everything.</exception>
    public static ImageDataSet FromFolders(string path, bool checkImages = true, ImageOptions? reading = null) =>
        new FolderDataSetReader(path, checkImages, reading).Read();

    /// <summary>The items of one part, with the same classes.</summary>
    /// <param name="split">Name of the part as the file has it, such as <c>train</c>; case does not matter.</param>
    /// <exception cref="ArgumentException">No item is in that part.</exception>
    public ImageDataSet Part(string split)
    {
        var items = Items.Where(item => string.Equals(item.Split, split, StringComparison.OrdinalIgnoreCase)).ToList();
        if (items.Count == 0)
        {
            var known = string.Join(", ", Items.Select(item => item.Split).OfType<string>().Distinct().Order(StringComparer.Ordinal));
            throw new ArgumentException(
                $"No image is in the part '{split}'; the data set has {(known.Length == 0 ? "no parts" : "the parts " + known)}.",
                nameof(split));
        }

        return With(items);
    }

    /// <summary>The items for which a condition holds, with the same classes.</summary>
    public ImageDataSet Where(Func<ImageItem, bool> condition) => With([.. Items.Where(condition)]);

    /// <summary>The items as a function changes them, which is told their places, with the same classes.</summary>
    public ImageDataSet Select(Func<ImageItem, int, ImageItem> change) => With([.. Items.Select(change)]);

    /// <summary>The same items, whose classes stand in another order.</summary>
    /// <param name="classes">The names of all classes in that order; there may be some that no item is of.</param>
    /// <exception cref="ArgumentException">A class is missing, or named twice.</exception>
    public ImageDataSet InOrder(IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(classes);
        if (classes.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"The class '{twice.Key}' stands more than once in the order of classes; name each once.", nameof(classes));
        var places = classes.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        if (Classes.Where(name => !places.ContainsKey(name)).ToArray() is { Length: > 0 } missing)
            throw new ArgumentException(
                $"The order of classes, {string.Join(", ", classes)}, lacks {string.Join(", ", missing.Select(name => $"'{name}'"))}; name all classes that images have.",
                nameof(classes));
        return new ImageDataSet([.. Items.Select(item => item with { Label = places[Classes[item.Label]] })], classes, Notes);
    }

    /// <summary>Divides the items at random so that every class is shared out in the same proportion.</summary>
    /// <param name="fraction">
    /// Share of the second part, between 0 and 1. Each class gives its rounded share, but keeps at least one item for the first part.
    /// </param>
    /// <param name="seed">The same seed gives the same parts.</param>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is not between 0 and 1.</exception>
    public (ImageDataSet First, ImageDataSet Second) Stratified(double fraction, int seed)
    {
        if (!(fraction is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "The share of the second part must lie between 0 and 1.");
        var random = new Random(seed);
        var second = new HashSet<int>();
        foreach (var stratum in Enumerable.Range(0, Items.Count).GroupBy(Stratum).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var members = stratum.ToArray();
            random.Shuffle(members);
            var share = Math.Min((int)Math.Round(members.Length * fraction, MidpointRounding.AwayFromZero), members.Length - 1);
            second.UnionWith(members.Take(share));
        }

        return (Pick(index => !second.Contains(index)), Pick(second.Contains));
    }

    private string Stratum(int index) =>
        Items[index].Label >= 0 ? $"{Items[index].Label:D9}" : Classes.Count > 0 ? string.Join(',', Items[index].Targets) : "";

    private ImageDataSet Pick(Func<int, bool> chosen) => With([.. Items.Where((_, index) => chosen(index))]);

    private ImageDataSet With(IReadOnlyList<ImageItem> items) => new(items, Classes, Notes) { ColumnClasses = ColumnClasses };
}
