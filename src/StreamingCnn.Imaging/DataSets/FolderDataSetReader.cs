namespace StreamingCnn.Imaging.DataSets;

/// <summary>Reads a folder per class.</summary>
internal static class FolderDataSetReader
{
    public static ImageDataSet Read(string path, bool checkImages)
    {
        if (!Directory.Exists(path))
            throw new DataSetException(path, ["there is no such folder; check the path"]);
        var classes = ClassNames.Order(Directory.GetDirectories(path).Select(folder => Path.GetFileName(folder)!).Where(Visible));
        if (classes.Count == 0)
            throw new DataSetException(path, ["the folder has no folders in it; put the images of each class into a folder named like the class"]);
        var problems = new List<string>();
        var items = new List<ImageItem>();
        for (var label = 0; label < classes.Count; label++)
        {
            var folder = Path.Combine(path, classes[label]);
            var files = Directory.GetFiles(folder).Where(file => Visible(Path.GetFileName(file))).Order(StringComparer.Ordinal).ToList();
            if (files.Count == 0)
                problems.Add($"{classes[label]}: the folder of this class has no files");
            items.AddRange(files.Select(file => new ImageItem(Path.GetFullPath(file), label, [])));
        }

        if (checkImages)
        {
            var found = FileCheck.Problems([.. items.Select(item => item.Path)]);
            problems.AddRange(items.Zip(found).Where(pair => pair.Second is not null)
                .Select(pair => $"{classes[pair.First.Label]}/{Path.GetFileName(pair.First.Path)}: {pair.Second}"));
        }

        return problems.Count == 0 ? new ImageDataSet(items, classes) : throw new DataSetException(path, problems);
    }

    private static bool Visible(string name) => !name.StartsWith('.');
}
