using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Tests.Interop;

/// <summary>A folder belongs to one run at a time, and to nobody once that has ended.</summary>
public sealed class FolderLockTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Two_in_one_process_are_kept_apart_and_the_second_is_told_who_has_it()
    {
        var path = folder.File("a/run");
        using (FolderLock.Take(path))
        {
            var refused = Assert.Throws<WeightFileException>(() => FolderLock.Take(path));
            Assert.StartsWith(
                $"The folder '{path}' is being written into by another run, "
                + $"process {Environment.ProcessId} on {Environment.MachineName} since ",
                refused.Message,
                StringComparison.Ordinal);
            Assert.EndsWith("; wait until it has ended, or name another folder.", refused.Message, StringComparison.Ordinal);
        }

        FolderLock.Take(path).Dispose();
    }

    [Fact]
    public void Another_name_of_the_folder_is_no_way_around()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        var path = Directory.CreateDirectory(folder.File("run")).FullName;
        Directory.CreateSymbolicLink(folder.File("link"), path);

        using var hold = FolderLock.Take(path);

        Assert.Throws<WeightFileException>(() => FolderLock.Take(folder.File("link")));
        Assert.Throws<WeightFileException>(() => FolderLock.Take(Path.Combine(path, "..", "run")));
        FolderLock.Take(folder.File("other")).Dispose();
    }

    [Fact]
    public async Task Who_waits_gets_it_when_it_is_free()
    {
        var hold = FolderLock.Take(folder.Path);
        var waiting = Task.Run(() => FolderLock.Take(folder.Path, TimeSpan.FromMinutes(5)).Dispose());
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(200)));

        hold.Dispose();

        await waiting;
    }

    /// <summary>A name that a killed process has left counts for nothing.</summary>
    [Fact]
    public void What_a_dead_run_has_left_is_in_nobody_s_way()
    {
        FolderLock.Take(folder.Path).Dispose();
        foreach (var file in Directory.GetFiles(folder.Path))
            File.WriteAllText(file, "process 1 on elsewhere");
        File.WriteAllText(folder.File(".lock-holder"), "process 1 on elsewhere");

        using var hold = FolderLock.Take(folder.Path);

        Assert.Contains(
            $"process {Environment.ProcessId} ", Assert.Throws<WeightFileException>(() => FolderLock.Take(folder.Path)).Message);
    }

    /// <summary>Of many at once exactly one has it, again and again.</summary>
    [Fact]
    public void Never_two_at_once()
    {
        var (inside, most, times) = (0, 0, 0);

        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 5; i++)
            {
                using var hold = FolderLock.Take(folder.Path, TimeSpan.FromMinutes(5));
                most = Math.Max(most, Interlocked.Increment(ref inside));
                times++;
                Interlocked.Decrement(ref inside);
            }
        });

        Assert.Equal((1, 40), (most, times));
    }
}
