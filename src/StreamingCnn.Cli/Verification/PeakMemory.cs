using System.Globalization;

namespace StreamingCnn.Cli.Verification;

/// <summary>The process's resident memory, as the system counts it; 0 where it cannot be told.</summary>
internal static class PeakMemory
{
    private const string Status = "/proc/self/status";
    private const string Peak = "VmHWM:";

    /// <summary>Begins a new measurement of the peak.</summary>
    public static void Reset()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (!File.Exists(Status))
            return;
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The peak then counts from the start of the process.
        }
    }

    /// <summary>The most bytes resident since the last reset.</summary>
    public static long Bytes => File.Exists(Status)
        ? File.ReadLines(Status)
            .Where(line => line.StartsWith(Peak, StringComparison.Ordinal))
            .Select(Kibibytes)
            .FirstOrDefault() * 1024
        : 0;

    /// <summary>
    /// The number in a line such as "VmHWM: 1234567 kB", where from ten gigabytes on nothing but a tab stands before it.
    /// </summary>
    internal static long Kibibytes(string line) =>
        long.Parse(line.AsSpan(Peak.Length).Trim().TrimEnd("kB").TrimEnd(), CultureInfo.InvariantCulture);
}
