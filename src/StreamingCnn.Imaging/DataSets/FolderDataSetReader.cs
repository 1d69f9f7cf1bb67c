namespace StreamingCnn.Imaging.DataSets;

/// <summary>Reads a folder per class.</summary>
internal sealed class FolderDataSetReader(string path, bool checkImages, ImageOptions? reading)
{
    private const int MostNamed = 3;

    private readonly DataProblems problems = new();
    private readonly List<string> notes = [];
    private readonly List<string> passedOver = [];
    private readonly List<ImageItem> items = [];

    public ImageDataSet Read()
    {
        if (!Directory.Exists(path))
            throw new DataSetException(path, ["there is no such folder; check the path"]);
        var folders = Directory.GetDirectories(path)
            .Where(folder => !ImageFiles.IsHidden(Path.GetFileName(folder)))
            .Order(StringComparer.Ordinal)
            .ToLookup(folder => TextForm.Clean(Path.GetFileName(folder)));
        var classes = ClassNames.Order(folders.Select(folder => folder.Key));
        if (classes.Count == 0)
            throw new DataSetException(
                path, ["the folder has no folders in it; put the images of each class into a folder named like the class"]);
        for (var label = 0; label < classes.Count; label++)
            Class(classes[label], label, [.. folders[classes[label]]]);
        RefuseTwice();
        if (checkImages)
        {
            foreach (var (item, problem) in items.Zip(FileCheck.Problems([.. items.Select(item => (item.Path, reading))])))
            {
                if (problem is not null)
                    problems.Add(problem, subject: Short(item.Path));
            }
        }

        problems.ThrowIfAny(path);
        Note(passedOver, "that are no images are passed over");
        Note(Files(path).Where(ImageFiles.IsImage), "beside the folders of the classes, which are images of no class, are passed over");
        notes.AddRange(classes.Where(name => name != "-" && TextForm.IsMissing(name))
            .Select(name => $"the folder '{name}' is taken for a class, though its name is what programs write for a missing value"));
        notes.AddRange(ClassNames.Alike(classes));
        return new ImageDataSet(items, classes, notes);
    }

    private void Class(string name, int label, string[] folders)
    {
        var files = folders.SelectMany(Files).ToLookup(ImageFiles.IsImage);
        items.AddRange(files[true].Select(file => new ImageItem(Path.GetFullPath(file), label, [])));
        passedOver.AddRange(files[false]);
        var deeper = folders.SelectMany(Deeper).ToArray();
        if (!files[true].Any())
        {
            problems.Add(deeper.Length == 0
                ? "the folder of this class has no images"
                : $"the folder of this class has no images of its own, and {deeper.Length} in folders below it, which are not read; "
                    + "move them up, or list them in a CSV file", subject: name);
        }
        else
        {
            Note(deeper, "in folders below that of a class are passed over");
        }
    }

    /// <summary>Images further down. A slide may keep its tiles there, but those are no images to look at.</summary>
    private static IEnumerable<string> Deeper(string folder) => Directory.GetDirectories(folder)
        .Where(below => !ImageFiles.IsHidden(Path.GetFileName(below)))
        .SelectMany(below => Directory.EnumerateFiles(
            below, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }))
        .Where(ImageFiles.HasEnding).Order(StringComparer.Ordinal);

    private void RefuseTwice()
    {
        var realPaths = new RealPaths();
        foreach (var same in items.GroupBy(item => realPaths.Of(item.Path)).Where(group => group.Count() > 1))
            problems.Add(
                $"it is the same file as '{Short(same.First().Path)}', by a link; leave out one of them",
                subject: string.Join(", ", same.Skip(1).Select(item => Short(item.Path))));
    }

    private void Note(IEnumerable<string> files, string what)
    {
        var named = files.Select(Short).ToArray();
        if (named.Length > 0)
            notes.Add(
                $"{named.Length} file(s) {what}: {string.Join(", ", named.Take(MostNamed))}{(named.Length > MostNamed ? ", ..." : "")}");
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.GetFiles(folder).Where(file => !ImageFiles.IsHidden(Path.GetFileName(file))).Order(StringComparer.Ordinal);

    private string Short(string file) => Path.GetRelativePath(Path.GetFullPath(path), Path.GetFullPath(file));
}
