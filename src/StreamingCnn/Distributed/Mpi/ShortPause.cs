using System.Runtime.InteropServices;

namespace StreamingCnn.Distributed.Mpi;

/// <summary>Pauses shorter than a millisecond, which the runtime's own sleep does not know.</summary>
internal static partial class ShortPause
{
    // A shorter one takes about as long as the system needs to wake somebody up.
    private const double Least = 50;
    private const double Most = 1000;

    /// <summary>Leaves the processor to others for about as long, from 50 microseconds to a millisecond.</summary>
    public static void Take(TimeSpan about)
    {
        if (OperatingSystem.IsWindows())
            Thread.Sleep(1);
        else
            _ = Sleep((uint)Math.Clamp(about.TotalMicroseconds, Least, Most));
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sleep(uint microseconds);
}
