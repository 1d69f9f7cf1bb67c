using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Tests.Interop;

/// <summary>
/// Writing replaces the file that was named and nothing else, and tidying up removes what was made here and nothing
/// else.
/// </summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_link_is_replaced_and_what_it_points_at_stays_as_it_is()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        var target = folder.Write("elsewhere/precious.csv", "precious");
        Directory.CreateDirectory(folder.File("run"));
        File.CreateSymbolicLink(folder.File("run/metrics.csv"), target);
        File.CreateSymbolicLink(folder.File("run/dangling.csv"), folder.File("elsewhere/new.csv"));

        AtomicFile.Write(folder.File("run/metrics.csv"), file => file.Write("new"u8));
        AtomicFile.Write(folder.File("run/dangling.csv"), file => file.Write("new"u8));

        Assert.Equal("precious", File.ReadAllText(target));
        Assert.Equal("new", File.ReadAllText(folder.File("run/metrics.csv")));
        Assert.Null(new FileInfo(folder.File("run/metrics.csv")).LinkTarget);
        Assert.False(File.Exists(folder.File("elsewhere/new.csv")));
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/stdout")]
    [InlineData("/dev/fd/1")]
    [InlineData("/proc/self/fd/1")]
    [InlineData("/dev/../dev/full")]
    public void A_device_is_not_replaced(string device)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Devices with names are of Unix.");
        var isWritten = false;

        var refused = Assert.Throws<WeightFileException>(() => AtomicFile.Write(device, _ => isWritten = true));

        Assert.Equal(
            $"'{device}' cannot be written: it is a device, which a file must not take the place of; name a file.", refused.Message);
        Assert.False(isWritten);
    }

    [Fact]
    public void Only_own_temporary_files_of_the_folder_itself_are_removed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        var own = new[] { AtomicFile.TemporaryName(folder.File("metrics.csv")), AtomicFile.TemporaryName(folder.File("metrics.csv")) };
        string[] others =
        [
            folder.File("download.part"), folder.File("metrics.csv.part"), folder.File("metrics.csv.0123.part"),
            AtomicFile.TemporaryName(folder.File("theirs.zip")),
            AtomicFile.TemporaryName(folder.File("below/metrics.csv")), folder.File("metrics.csv.0123456789ABCDEF0123456789ABCDEF.part"),
        ];
        foreach (var file in own.Concat(others))
            folder.Write(Path.GetRelativePath(folder.Path, file), "half");
        var target = folder.Write("target", "precious");
        var link = AtomicFile.TemporaryName(folder.File("metrics.csv"));
        File.CreateSymbolicLink(link, target);

        AtomicFile.RemoveUnfinished(folder.Path, name => name == "metrics.csv");

        Assert.All(own, file => Assert.False(File.Exists(file), file));
        Assert.All(others, file => Assert.True(File.Exists(file), file));
        Assert.Equal(target, new FileInfo(link).LinkTarget);
        Assert.Equal("precious", File.ReadAllText(target));
    }
}
