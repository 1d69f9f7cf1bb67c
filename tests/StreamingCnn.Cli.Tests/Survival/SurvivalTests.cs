using System.Diagnostics;
using System.Globalization;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests.Survival;

/// <summary>
/// A run that is killed, stopped, or out of disk space goes on as if nothing had been, and ends with the same files. Dropout, augmentation,
/// averaging and everything else that has a state is on. What is not stopped itself runs in the process of the tests, which is another one
/// and has its code ready. <c>SCNN_KILLS=10 dotnet test tests/StreamingCnn.Cli.Tests --filter Survival</c>
/// kills ten times.
/// </summary>
public sealed class SurvivalTests(SurvivalTests.WholeRuns runs) : IClassFixture<SurvivalTests.WholeRuns>, IDisposable
{
    private const string KillsVariable = "SCNN_KILLS";
    private const int DefaultKills = 1;
    private const int ImagesPerKill = 8;
    private const int ImagesPerEpoch = 6;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Killed_in_the_middle_again_and_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Signals are of Unix.");
        var kills = int.Parse(
            Environment.GetEnvironmentVariable(KillsVariable) ?? DefaultKills.ToString(CultureInfo.InvariantCulture),
            CultureInfo.InvariantCulture);
        var epochs = (kills * ImagesPerKill / ImagesPerEpoch) + 2;
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"{kills} kills at random moments with seed {seed}.");
        var random = new Random(seed);
        while (kills > 0)
        {
            // On a busy machine a run may come to its end before its time; then another one is killed as often as is left.
            if (Directory.Exists(folder.File("killed")))
                Directory.Delete(folder.File("killed"), recursive: true);
            var arguments = runs.Train(folder.File("killed"), epochs);
            for (var isOver = false; !isOver && kills > 0; arguments = ["train", "--resume", folder.File("killed")])
            {
                using var process = ProgramProcess.Start(arguments);
                AwaitCheckpoints(folder.File("killed/checkpoint.safetensors"), random.Next(1, 4), process);
                Thread.Sleep(random.Next(0, 300));
                if (process.Kill())
                {
                    kills--;
                    TestContext.Current.SendDiagnosticMessage($"Killed; {EpochsDone("killed")} of {epochs} epochs were done.");
                    continue;
                }

                Assert.Equal(Program.Success, Succeeded(process.Finish()));
                isOver = true;
            }

            Assert.Equal(Program.Success, Succeeded(CommandLine.Run("train", "--resume", folder.File("killed"))));

            AssertSame("killed", epochs);
        }
    }

    /// <summary>In the first images, before there is any checkpoint, and later.</summary>
    [Fact]
    public void Stopped_by_an_interrupt()
    {
        ProgramProcess.SkipWithoutInterrupts();
        Assert.DoesNotContain(
            "epoch   1", Stopped("early", saveEvery: 0, process => AwaitFile(folder.File("early/options.json"), process)).Output);
        Assert.DoesNotContain(
            "epoch   2",
            Stopped(
                "stopped", saveEvery: 1, process => AwaitCheckpoints(folder.File("stopped/checkpoint.safetensors"), 3, process)).Output);
    }

    /// <summary>The table is a pipe: the program waits for its first line as it would for a slow disk.</summary>
    [Fact]
    public void Stopped_while_the_images_are_looked_at()
    {
        ProgramProcess.SkipWithoutInterrupts();
        var table = folder.File("pipe.csv");
        using (var pipe = Process.Start("mkfifo", [table]))
            pipe.WaitForExit();
        string[] arguments = ["train", table, "--output", folder.File("run"), "--epochs", "1", "--tile", "32"];

        using var process = ProgramProcess.Start(arguments);
        // A pipe is opened for writing as soon as somebody has opened it for reading.
        var writer = Task.Run(() => new FileStream(table, FileMode.Open, FileAccess.Write));
        while (!writer.IsCompleted && !process.HasExited)
            Thread.Sleep(2);
        process.Interrupt();
        var stopped = process.Finish();

        Assert.Equal(
            (Program.Interrupted, "Stopped before the first image; nothing is lost.", $"Training on {table}."),
            (stopped.ExitCode, stopped.Errors.TrimEnd(), stopped.Output.TrimEnd()));
        Assert.False(Directory.Exists(folder.File("run")));
        File.Delete(table);
        File.WriteAllText(
            table, "image,label\n" + string.Concat(
                Enumerable.Range(0, 4).Select(i => $"{runs.Data}/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy,{i % 2}\n")));
        Assert.Equal(Program.Success, Succeeded(CommandLine.Run(arguments)));
    }

    [Fact]
    public void Out_of_disk_space()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && CanMount(), "Only on Linux where users may mount a file system of limited size.");
        var whole = runs.Of(2);
        long checkpoint =
            new FileInfo(Path.Combine(whole, "checkpoint.safetensors")).Length,
            weights = new FileInfo(Path.Combine(whole, "last.safetensors")).Length;
        // Room for what is there after the first epoch, and for half of the checkpoint that is to replace the first one.
        var bytes = (checkpoint * 3 / 2) + (weights * 2) + 50_000;
        Directory.CreateDirectory(folder.File("small"));

        // The small file system goes with the process, so its files are copied out before.
        using var process = ProgramProcess.StartShell(
            $"mount -t tmpfs -o size={bytes} tmpfs \"$1\" && shift && \"$@\"; code=$?; cp -r '{folder.File("small/run")}' '{folder.File("rescued")}'; exit $code",
            [folder.File("small"), "dotnet", ProgramProcess.Assembly, .. runs.Train(folder.File("small/run"), 2, saveEvery: 0)]);
        var full = process.Finish();

        Assert.Equal(Program.Failure, full.ExitCode);
        var sentence = Assert.Single(full.Errors.TrimEnd().Split('\n'));
        Assert.Contains("checkpoint.safetensors' cannot be written: No space left on device", sentence);
        Assert.EndsWith($"When that is mended, go on with: scnn train --resume {folder.File("small/run")}", sentence);
        Assert.Empty(Directory.GetFiles(folder.File("rescued"), "*.part"));
        Assert.Equal(Program.Success, Succeeded(CommandLine.Run("train", "--resume", folder.File("rescued"))));
        AssertSame("rescued", 2);
    }

    [Fact]
    public void A_damaged_checkpoint_is_told_and_nothing_else_is_touched()
    {
        foreach (var file in Directory.GetFiles(runs.Of(2)))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        var checkpoint = folder.File("checkpoint.safetensors");
        File.WriteAllBytes(checkpoint, File.ReadAllBytes(checkpoint)[..2000]);
        var before = Directory.GetFiles(folder.Path).ToDictionary(file => file, File.ReadAllBytes);

        var run = CommandLine.Run("train", "--resume", folder.Path);

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains($"error: '{checkpoint}' is not a safetensors file, or is damaged", Assert.Single(run.Errors.TrimEnd().Split('\n')));
        Assert.All(before, file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
    }

    /// <summary>A run of two epochs that is interrupted when a moment has come, and resumed.</summary>
    /// <returns>What it printed up to the interruption.</returns>
    private CommandLine Stopped(string run, int saveEvery, Action<ProgramProcess> awaitMoment)
    {
        CommandLine stopped;
        do
        {
            // On a busy machine a run may come to its end before the signal reaches it; then there is another one.
            if (Directory.Exists(folder.File(run)))
                Directory.Delete(folder.File(run), recursive: true);
            using var process = ProgramProcess.Start(runs.Train(folder.File(run), 2, saveEvery));
            awaitMoment(process);
            process.Interrupt();
            stopped = process.Finish();
        }
        while (stopped.ExitCode == Program.Success);

        Assert.Equal((Program.Interrupted, ""), (stopped.ExitCode, stopped.Errors));
        Assert.Contains("Stopping after this image", stopped.Output);
        Assert.Contains($"go on with: scnn train --resume {folder.File(run)}", stopped.Output);
        Assert.Equal(Program.Success, Succeeded(CommandLine.Run("train", "--resume", folder.File(run))));
        AssertSame(run, 2);
        return stopped;
    }

    private void AssertSame(string run, int epochs)
    {
        var whole = runs.Of(epochs);
        foreach (var file in new[] { "last.safetensors", "best.safetensors", "metrics.csv", "validation.csv" })
            Assert.True(
                File.ReadAllBytes(Path.Combine(whole, file)).AsSpan().SequenceEqual(File.ReadAllBytes(folder.File($"{run}/{file}"))),
                $"{file} differs.");
        Assert.True(File.Exists(folder.File($"{run}/report.html")));
        Assert.Empty(Directory.GetFiles(folder.File(run), "*.part"));
    }

    private int EpochsDone(string run) =>
        File.Exists(folder.File($"{run}/metrics.csv")) ? File.ReadLines(folder.File($"{run}/metrics.csv")).Count() - 1 : 0;

    private static int Succeeded(CommandLine run)
    {
        Assert.Equal("", run.Errors);
        return run.ExitCode;
    }

    /// <summary>Waits until the checkpoint has been replaced so many times.</summary>
    private static void AwaitCheckpoints(string path, int count, ProgramProcess process)
    {
        var clock = Stopwatch.StartNew();
        var last = File.GetLastWriteTimeUtc(path);
        while (count > 0 && !process.HasExited)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(5), "No checkpoint was written for five minutes.");
            Thread.Sleep(2);
            if (File.GetLastWriteTimeUtc(path) is var now && now != last)
            {
                last = now;
                count--;
            }
        }
    }

    private static void AwaitFile(string path, ProgramProcess process)
    {
        while (!File.Exists(path) && !process.HasExited)
            Thread.Sleep(1);
    }

    private bool CanMount()
    {
        try
        {
            Directory.CreateDirectory(folder.File("probe"));
            using var process = ProgramProcess.StartShell("mount -t tmpfs -o size=100000 tmpfs \"$1\"", folder.File("probe"));
            return process.Finish().ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Images, and what becomes of them where nothing comes between.</summary>
    public sealed class WholeRuns : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public WholeRuns()
        {
            manual_seed(3);
            for (var i = 0; i < 8; i++)
                NumpyFile.Write(
                    folder.Write($"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy", ""),
                    ((rand(95 + i, 90, 3) * 150) + (i % 2 * 60)).to(ScalarType.Byte));
        }

        /// <summary>The folder of the images.</summary>
        public string Data => folder.File("data");

        /// <summary>What trains on the images.</summary>
        public string[] Train(string run, int epochs, int saveEvery = 1) =>
        [
            "train",
            Data,
            "--output",
            run,
            "--epochs",
            epochs.ToString(CultureInfo.InvariantCulture),
            "--tile",
            "16",
            "--batch",
            "4",
            "--rate",
            "0.01",
            "--dropout", "0.2", "--augment", "mirror,turn,colour", "--schedule", "cosine", "--warm-up", "2", "--average", "0.9", "--freeze", "1", "--clip", "1",
            "--validation", "0.25", "--save-every", saveEvery.ToString(CultureInfo.InvariantCulture),
        ];

        /// <summary>The folder of a run that nothing has interrupted, made when it is first asked for.</summary>
        public string Of(int epochs)
        {
            var run = folder.File($"{epochs}");
            if (!Directory.Exists(run))
                Assert.Equal(Program.Success, Succeeded(CommandLine.Run(Train(run, epochs))));

            return run;
        }

        public void Dispose() => folder.Dispose();
    }
}
