using StreamingCnn.Imaging.Tests.Generators;
using StreamingCnn.Testing;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class LinkTests
{
    [Theory]
    [InlineData("png")]
    [InlineData("npy")]
    public void A_link_of_the_case_is_what_it_leads_to(string ending)
    {
        // The case's own links may have become files on the way here.
        var target = Path.Combine(SharedFiles.Folder("cases"), "symlinked-png-and-npy-called-cut-short", $"real.{ending}");
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File($"link.{ending}"), target);
        using var link = ImageSource.Open(folder.File($"link.{ending}"));
        using var real = ImageSource.Open(target);
        Assert.Equal((real.Height, real.Width, real.Channels), (link.Height, link.Width, link.Channels));
    }

    [Fact]
    public void Links_to_links_relative_links_and_links_to_folders_are_followed()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("real"));
        ArrayFile.Write(folder.File("real/a.npy"), 64, 80);
        TaggedTiff.Write(folder.File("real/a.tif"), TaggedTiff.Of(64, 80, 1, (y, x, _) => (byte)(y + x)));
        Directory.CreateSymbolicLink(folder.File("linked"), "real");
        File.CreateSymbolicLink(folder.File("once.npy"), "real/a.npy");
        File.CreateSymbolicLink(folder.File("twice.npy"), "once.npy");
        foreach (var name in new[] { "once.npy", "twice.npy", "linked/a.npy", "linked/a.tif" })
        {
            ImageCheck.Read(folder.File(name));
            Assert.Equal((64, 80), (ImageInfo.Read(folder.File(name)).Height, ImageInfo.Read(folder.File(name)).Width));
        }

        Assert.Equal(FileSize.Of(folder.File("real/a.npy")), FileSize.Of(folder.File("twice.npy")));
    }

    [Fact]
    public void A_broken_link_is_told_as_one()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("a.png"), "lost.png");
        File.CreateSymbolicLink(folder.File("b.png"), "a.png");
        File.CreateSymbolicLink(folder.File("c.png"), "c.png");
        foreach (var name in new[] { "a.png", "b.png", "c.png" })
        {
            var error = Assert.Throws<ImageFormatException>(() => ImageInfo.Read(folder.File(name)));
            Assert.Contains("this is a symbolic link to '", error.Message, StringComparison.Ordinal);
        }
    }
}
