using System.Diagnostics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>What only a process of its own can show.</summary>
public class ProcessTests
{
    private const int Interrupt = 2;

    [Fact]
    public async Task Native_libraries_write_nothing_of_their_own()
    {
        // Small convolutions on a single thread: where libtorch asks for NNPACK, and complains about a processor that NNPACK does not know.
        using var process = Start("verify", "--model", "small", "--size", "64", "--tile", "32", "--precision", "float32");
        var (output, errors) = await End(process);

        Assert.Equal("", errors);
        Assert.Equal(Program.Success, process.ExitCode);
        Assert.EndsWith($"PASS{Environment.NewLine}", output);
    }

    [Fact]
    public async Task Ctrl_C_finishes_the_image_however_long_it_takes_and_saves()
    {
        using var folder = new TemporaryFolder();
        using var process = await StartSlowTraining(folder);

        Assert.Equal(0, Kill(process.Id, Interrupt));
        var (output, errors) = await End(process);

        Assert.StartsWith("Stopping after this image", errors);
        Assert.Equal(Program.Success, process.ExitCode);
        Assert.Contains($"go on with: scnn train --resume {folder.File("run")}", output);
        Assert.True(File.Exists(folder.File("run/checkpoint.safetensors")));
    }

    [Fact]
    public async Task A_second_Ctrl_C_stops_at_once()
    {
        using var folder = new TemporaryFolder();
        using var process = await StartSlowTraining(folder);

        Assert.Equal(0, Kill(process.Id, Interrupt));
        await Task.Delay(500);
        Assert.Equal(0, Kill(process.Id, Interrupt));
        var (_, errors) = await End(process);

        Assert.NotEqual(Program.Success, process.ExitCode);
        Assert.StartsWith("Stopping after this image", errors);
        Assert.DoesNotContain("error", errors);
        Assert.False(File.Exists(folder.File("run/checkpoint.safetensors")));
    }

    /// <summary>Starts a run whose images take five seconds each, and waits until it is at the first.</summary>
    private static async Task<Process> StartSlowTraining(TemporaryFolder folder)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows cannot send Ctrl-C to one process alone.");
        foreach (var label in new[] { "dark", "light" })
            NumpyFile.Write(folder.Write($"data/{label}/1.npy", ""), zeros(16, 16, 3, ScalarType.Byte));
        var process = Start(
            "train", folder.File("data"), "--model", $"{typeof(SlowTrunk).Assembly.Location}:{typeof(SlowTrunk).FullName}", "--validation", "0", "--output", folder.File("run"));
        // Written last before the first image.
        while (!File.Exists(folder.File("run/options.json")))
            await Task.Delay(100);
        await Task.Delay(1000);
        return process;
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(Program).Assembly.Location);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["OMP_NUM_THREADS"] = "1";
        return Process.Start(start)!;
    }

    private static async Task<(string Output, string Errors)> End(Process process)
    {
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (output, await errors);
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
