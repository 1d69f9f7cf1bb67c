using System.Diagnostics;

namespace StreamingCnn.Cli.Tests;

public class NativeOutputTests
{
    [Fact]
    public async Task Native_libraries_write_nothing_of_their_own()
    {
        // Small convolutions on a single thread: where libtorch asks for NNPACK, and complains about a processor that NNPACK does not know.
        string[] arguments =
            [typeof(Program).Assembly.Location, "verify", "--model", "small", "--size", "64", "--tile", "32", "--precision", "float32"];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal("", await errors);
        Assert.Equal(Program.Success, process.ExitCode);
        Assert.EndsWith($"PASS{Environment.NewLine}", output);
    }
}
