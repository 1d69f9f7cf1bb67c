using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Tests.Generators;

namespace StreamingCnn.Imaging.Tests.DataSets;

/// <summary>Folders of images as they lie on people's disks, with what systems and other programs leave in them.</summary>
public sealed class ClassFolderTests
{
    [Fact]
    public void Files_that_are_no_images_are_passed_over_with_a_note()
    {
        using var folder = Folders("a/1.npy", "b/2.NPY", "b/3");
        string[] names = ["a/Thumbs.db", "a/desktop.ini", "b/.DS_Store", "b/2.xml", "b/2.geojson", "b/notes.txt", ".git/x", "readme.md"];
        foreach (var name in names)
            folder.Write(name, "[.ShellClassInfo]");

        var data = ImageDataSet.FromFolders(folder.Path);

        Assert.Equal(["1.npy", "2.NPY", "3"], data.Items.Select(item => Path.GetFileName(item.Path)));
        Assert.Equal([0, 1, 1], data.Items.Select(item => item.Label));
        Assert.Equal(["5 file(s) that are no images are passed over: a/Thumbs.db, a/desktop.ini, b/2.geojson, ..."], data.Notes);
    }

    [Theory]
    [InlineData("x.png", "text file")]
    [InlineData("x.dcm", "text file")]
    [InlineData("x.JP2", "text file")]
    [InlineData("x.tiff", "text file")]
    public void What_is_meant_to_be_an_image_is_not_passed_over(string name, string reason)
    {
        using var folder = Folders("a/1.npy", "b/2.npy");
        folder.Write($"b/{name}", "no image");

        Assert.Contains($"b/{name}: this is a {reason}", Assert.Single(Refusal(folder).Problems));
    }

    [Fact]
    public void Images_in_other_places_are_told()
    {
        using var folder = Folders("a/1.npy", "a/old/2.npy", "a/old/older/3.npy", "b/4.npy", "5.npy");

        var data = ImageDataSet.FromFolders(folder.Path);

        Assert.Equal(2, data.Items.Count);
        Assert.Equal(
            [
                "2 file(s) in folders below that of a class are passed over: a/old/2.npy, a/old/older/3.npy",
                "1 file(s) beside the folders of the classes, which are images of no class, are passed over: 5.npy",
            ],
            data.Notes);
    }

    [Fact]
    public void Folders_of_parts_are_no_classes()
    {
        using var folder = Folders("train/cat/1.npy", "train/dog/2.npy", "test/cat/3.npy");
        Directory.CreateDirectory(folder.File("void"));

        var problems = Refusal(folder).Problems;

        Assert.Equal(2, problems.Count);
        Assert.Contains(
            problems,
            problem => problem.StartsWith("test, train: the folder of this class has no images of its own", StringComparison.Ordinal));
        Assert.Contains("void: the folder of this class has no images", problems);
    }

    [Fact]
    public void Links_to_one_file_are_refused()
    {
        using var folder = Folders("a/1.npy", "b/2.npy");
        File.CreateSymbolicLink(folder.File("b/link.npy"), folder.File("a/1.npy"));

        Assert.Contains("b/link.npy: it is the same file as 'a/1.npy', by a link; leave out one of them", Refusal(folder).Problems);
    }

    [Fact]
    public void Names_of_folders_are_classes_but_odd_ones_are_told()
    {
        using var folder = Folders("nan/1.npy", "Tumor/2.npy", "tumor/3.npy", "cafe\u0301/4.npy", "caf\u00e9/5.npy");

        var data = ImageDataSet.FromFolders(folder.Path);

        Assert.Equal(["Tumor", "caf\u00e9", "nan", "tumor"], data.Classes);
        Assert.Equal(2, data.Items.Count(item => data.Classes[item.Label] == "caf\u00e9"));
        Assert.Equal(2, data.Notes.Count);
        Assert.Contains("the folder 'nan' is taken for a class", data.Notes[0]);
        Assert.Contains("'Tumor' and 'tumor' look alike", data.Notes[1]);
    }

    private static DataSetException Refusal(TemporaryFolder folder) =>
        Assert.Throws<DataSetException>(() => ImageDataSet.FromFolders(folder.Path));

    private static TemporaryFolder Folders(params string[] images)
    {
        var folder = new TemporaryFolder();
        foreach (var image in images)
            ArrayFile.Write(folder.Write(image, ""), 4, 5);
        return folder;
    }
}
