using System.Globalization;

namespace StreamingCnn.Cli.Verification;

/// <summary>The process's resident memory, as the system counts it; 0 where it cannot be told.</summary>
internal static class PeakMemory
{
    private const string Status = "/proc/self/status";

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
            .Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
            .FirstOrDefault()
        : 0;
}
