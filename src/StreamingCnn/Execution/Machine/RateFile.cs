using System.Text.Json;
using System.Text.Json.Serialization;
using StreamingCnn.Interop;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Planning;

namespace StreamingCnn.Execution.Machine;

/// <summary>
/// What was measured of machines, in a file in the user's cache folder, so that it need not be measured by every process. Nothing is lost
/// with it: where it cannot be read, is damaged or is somebody else's, it counts as not there; where it cannot be written, it is not
/// written.
/// </summary>
/// <param name="path">The file; null for none.</param>
/// <param name="machine">The machine that is asked for.</param>
internal sealed class RateFile(string? path, ThisMachine machine)
{
    private const string Folder = "streamingcnn";
    private const string Name = "machine-rates.json";

    // More is no file of ours.
    private const long MostBytes = 1 << 20;

    // Home folders may be shared by many machines.
    private const int MostEntries = 64;

    // Kernels, coolers and neighbours change; what was measured in a hurry may be a busy machine's.
    private static readonly TimeSpan Validity = TimeSpan.FromDays(30);
    private static readonly TimeSpan HurriedValidity = TimeSpan.FromHours(1);

    /// <summary>The file of this user; null where there is no folder for it.</summary>
    public static string? DefaultPath
    {
        get
        {
            var named = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (Path.IsPathFullyQualified(named ?? ""))
                return Path.Combine(named!, Folder, Name);
            return OperatingSystem.IsWindows()
                ? Below(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData))
                : Below(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        }
    }

    /// <summary>What is known of the machine, for maps in each format.</summary>
    public Dictionary<MapFormat, ComputeRates> Read()
    {
        var now = DateTime.UtcNow;
        return Entries().Where(entry => entry.Machine == machine && entry.Until > now && entry.Until <= now + Validity)
            .DistinctBy(entry => entry.Format).ToDictionary(entry => entry.Format, entry => entry.Rates);
    }

    /// <summary>Remembers what was measured.</summary>
    public void Add(IReadOnlyDictionary<MapFormat, (ComputeRates Rates, bool IsThorough)> measured)
    {
        if (path is null)
            return;
        var now = DateTime.UtcNow;
        var others = Entries().Where(entry =>
            entry.Machine.Libraries == machine.Libraries && !(entry.Machine == machine && measured.ContainsKey(entry.Format)));
        var own = measured.Select(one =>
            RateEntry.Of(machine, one.Key, now + (one.Value.IsThorough ? Validity : HurriedValidity), one.Value.Rates));
        RateEntry[] entries = [.. own.Concat(others).Take(MostEntries)];
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, file => JsonSerializer.Serialize(file, entries, RateJson.Default.RateEntryArray));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or WeightFileException)
        {
            // The next process measures again.
        }
    }

    private static string? Below(params string[] folders) => folders[0].Length == 0 ? null : Path.Combine([.. folders, Folder, Name]);

    private RateEntry[] Entries()
    {
        try
        {
            // Pipes and devices have no length, and would be waited for.
            if (path is null || new FileInfo(path) is not { Exists: true, Length: > 0 and <= MostBytes })
                return [];
            var entries = JsonSerializer.Deserialize(File.ReadAllBytes(path), RateJson.Default.RateEntryArray) ?? [];
            return Array.TrueForAll(entries, entry => entry is { IsWhole: true }) ? entries : [];
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or JsonException)
        {
            return [];
        }
    }
}

/// <summary>How the measurements are written as JSON, found out when the library is compiled rather than at the program's start.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RateEntry[]))]
internal sealed partial class RateJson : JsonSerializerContext;
