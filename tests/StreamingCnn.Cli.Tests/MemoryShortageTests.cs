using System.Diagnostics;
using StreamingCnn.Cli.Tests.Survival;

namespace StreamingCnn.Cli.Tests;

/// <summary>Whoever runs out of memory is told what to do.</summary>
public class MemoryShortageTests
{
    private const string Advice =
        "; give a smaller --memory or --tile, let the carry wait on disk by --carry file, or end what else takes memory.";

    public static TheoryData<Exception, string> Shortages => new()
    {
        {
            new InvalidOperationException(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
                + "you tried to allocate 216000000 bytes. "
                + "Error code 12 (Cannot allocate memory)\nframe #0: x"),
            " where 206 MiB more are needed"
        },
        { new InvalidOperationException("std::bad_alloc"), "" },
        { new InvalidOperationException("could not create a memory object"), "" },
        { Activator.CreateInstance<OutOfMemoryException>(), "" },
        { new IOException("Cannot allocate memory : '/x'"), "" },
    };

    [Theory]
    [MemberData(nameof(Shortages))]
    public void It_is_one_sentence_with_advice(Exception failure, string where)
    {
        var all = new[] { failure, new AggregateException(failure), new InvalidOperationException("The step failed.", failure) };
        foreach (var thrown in all)
        {
            using var errors = new StringWriter();

            Assert.Equal(Program.Failure, ErrorBoundary.Run(() => throw thrown, new Job(errors)));
            Assert.StartsWith($"error: The memory is used up{where}", errors.ToString(), StringComparison.Ordinal);
            Assert.EndsWith(Advice, errors.ToString().TrimEnd(), StringComparison.Ordinal);
            Assert.Single(errors.ToString().TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public void A_budget_that_is_too_small_keeps_its_own_sentence()
    {
        using var errors = new StringWriter();
        ErrorBoundary.Run(() => throw new InsufficientMemoryException("No tile fits."), new Job(errors));
        Assert.Equal("error: No tile fits.", errors.ToString().TrimEnd());
    }

    [Theory]
    [InlineData(1_150_000, "allow at least 8 GiB, or any number (ulimit -v unlimited).")]
    [InlineData(4_500_000, "of addresses (ulimit -v) and no more" + Advice)]
    public async Task Where_addresses_are_limited_that_is_said(int kibibytes, string expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Limits the addresses of a process as Linux does.");
        string[] step = ["dotnet", ProgramProcess.Assembly, "verify", "--model", "small", "--size", "20000", "--tile", "512"];
        string[] limited = ["-c", $"ulimit -v {kibibytes}; exec \"$@\"", "sh", .. step];
        var start = new ProcessStartInfo("sh", limited) { RedirectStandardOutput = true, RedirectStandardError = true };
        // By default .NET takes addresses by the gigabyte, depending on the machine.
        start.Environment["DOTNET_GCRegionRange"] = "10000000";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = (await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)).TrimEnd();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == Program.Failure, errors + await output);
        Assert.EndsWith(expected, errors, StringComparison.Ordinal);
        Assert.Single(errors.Split('\n'));
    }
}
