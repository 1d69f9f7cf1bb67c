using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary>A folder for results that cannot be one is refused at once, in one sentence, and nothing is left behind.</summary>
public sealed class OutputFolderTests : IDisposable
{
    // The system fills this folder itself; not even the superuser can make files in it.
    private const string Unwritable = "/proc";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("generate needles --count 2 --side 64 -o")]
    [InlineData("generate ultramnist --count 2 -o")]
    [InlineData("saliency photograph.png -w no-weights -o")]
    [InlineData("train no-table.csv -o")]
    [InlineData("train no-table.csv --dry-run -o")]
    [InlineData("bench --plots")]
    public void Commands_name_the_folder_and_say_why_before_they_do_anything(string line)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has a folder that nobody can write into.");
        var file = folder.Write("results", "of old");

        Run(file).IsRefused($"The folder '{file}' cannot be made: '{file}' is a file; name another folder, or move that file away.");
        Run($"{file}/new/run").IsRefused(
            $"The folder '{file}/new/run' cannot be made: '{file}' is a file; name another folder, or move that file away.");
        Run($"{Unwritable}/new/run").IsRefused(
            $"Nothing can be written into the folder '{Unwritable}/new/run': '{Unwritable}' takes no new files; name another folder.");
        Run(Unwritable).IsRefused(
            $"Nothing can be written into the folder '{Unwritable}': '{Unwritable}' takes no new files; name another folder.");
        Run("").IsRefused("The name of the folder to write into is empty; give it one.");
        Assert.Equal("of old", File.ReadAllText(file));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));

        CommandLine Run(string output) => CommandLine.Run([.. line.Split(' '), output]);
    }

    [Fact]
    public void An_evaluation_is_not_made_for_nothing()
    {
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        var file = folder.Write("results", "of old");

        CommandLine.Run("evaluate", folder.File("model.safetensors"), "no-table.csv", "-o", file)
            .IsRefused($"The folder '{file}' cannot be made: '{file}' is a file; name another folder, or move that file away.");
    }

    [Fact]
    public void A_folder_without_permission_is_refused_whether_it_is_there_or_has_to_be_made()
    {
        Assert.SkipWhen(
            OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess,
            "Permissions are of Unix, and the superuser may write anywhere.");
        var closed = Directory.CreateDirectory(folder.File("closed")).FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        foreach (var path in new[] { closed, Path.Combine(closed, "new") })
        {
            var failure = Assert.Throws<WeightFileException>(() => OutputFolder.Make(path));
            Assert.Equal(
                $"Nothing can be written into the folder '{path}': there is no permission to write in '{closed}'; name another folder.",
                failure.Message);
        }
    }

    [Fact]
    public void A_file_system_for_reading_only_is_told_in_the_system_s_words()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Mounts a file system of its own.");
        using var program = Survival.ProgramProcess.StartShell(
            "mount -t tmpfs -o ro tmpfs \"$1\" || exit 77; shift; \"$@\"",
            folder.Path, "dotnet", Survival.ProgramProcess.Assembly, "generate", "needles", "-o", folder.Path);
        var run = program.Finish();
        Assert.SkipWhen(run.ExitCode is 1 or 77, "Users may not mount file systems here.");

        run.IsRefused($"Nothing can be written into the folder '{folder.Path}': the system says 'Read-only file system' of '{folder.Path}'; name another folder.");
    }

    [Fact]
    public void A_folder_that_will_do_is_made_with_those_above_it_and_only_then()
    {
        var path = folder.File("a/b");

        OutputFolder.Check(path);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));

        OutputFolder.Make(path);
        OutputFolder.Make(path);
        Assert.True(Directory.Exists(path));
        Assert.Empty(Directory.GetFileSystemEntries(path));
    }
}
