using System.Diagnostics;
using System.Runtime.InteropServices;

namespace StreamingCnn.Cli.Tests.Survival;

/// <summary>The program in a process of its own, which can be killed.</summary>
internal sealed partial class ProgramProcess : IDisposable
{
    // Far more than any of these runs takes, even where several builds share the machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    private const int InterruptSignal = 2;
    private const int KillSignal = 9;

    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> errors;

    private ProgramProcess(string program, IEnumerable<string> arguments, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        process = Process.Start(start)!;
        output = process.StandardOutput.ReadToEndAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Path of the program itself, to be run by <c>dotnet</c>.</summary>
    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "scnn.dll");

    public static ProgramProcess Start(params string[] arguments) => new("dotnet", [Assembly, .. arguments]);

    public static ProgramProcess StartWith((string Name, string Value) variable, params string[] arguments) =>
        new("dotnet", [Assembly, .. arguments], variable);

    public static ProgramProcess StartShell(string script, params string[] arguments) =>
        new("unshare", ["-rm", "sh", "-c", script, "sh", .. arguments]);

    /// <summary>Several processes, started by a launcher of MPI.</summary>
    public static ProgramProcess StartRanks(string launcher, string[] options, int count, params string[] arguments) =>
        new(launcher, [.. options, "-n", $"{count}", "dotnet", Assembly, .. arguments]);

    public bool WaitForExit(TimeSpan patience) => process.WaitForExit(patience);

    public bool HasExited => process.HasExited;

    public int Id => process.Id;

    /// <summary>Kills the process, which cannot defend itself.</summary>
    /// <returns>Whether it was still there to be killed.</returns>
    public bool Kill()
    {
        process.Kill();
        process.WaitForExit();
        return process.ExitCode == 128 + KillSignal;
    }

    /// <summary>
    /// Sends what Ctrl-C sends. There is no process started for it, which on a busy machine may take longer than the program has left to
    /// run.
    /// </summary>
    public void Interrupt() => Assert.True(
        process.HasExited || SendSignal(process.Id, InterruptSignal) == 0 || process.WaitForExit(1000), "The signal cannot be sent.");

    /// <summary>Skips a test where the program could not be interrupted.</summary>
    public static void SkipWithoutInterrupts()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Signals are of Unix.");
        Assert.SkipWhen(
            IgnoresInterrupts(),
            "The tests were started with interrupts ignored, as a shell does for what it runs in the background; so would the program be.");
    }

    /// <summary>Sends the same to a process that may have ended.</summary>
    public static void Interrupt(int process) => _ = SendSignal(process, InterruptSignal);

    /// <summary>Kills a process that may have ended.</summary>
    public static void Kill(int process) => _ = SendSignal(process, KillSignal);

    public CommandLine Finish()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The program did not end within {Patience.TotalMinutes:0} minutes.");
        }

        return new(process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>Whether this process ignores SIGINT, which its children inherit.</summary>
    private static bool IgnoresInterrupts()
    {
        const string Status = "/proc/self/status", Ignored = "SigIgn:";
        return File.Exists(Status)
            && File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) is { } line
            && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) & (1UL << (InterruptSignal - 1))) != 0;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
