using StreamingCnn.Interop;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Machine;

/// <summary>
/// How fast this machine is at what a step consists of: measured once for every number of threads and format of maps, and remembered in a
/// file. Used to tell people what a step would take. What a step does is decided with fixed rates: otherwise the same run would do
/// something else each time, and end in other last digits.
/// </summary>
/// <param name="path">Gives the file; null for none.</param>
/// <param name="measure">Measures for maps in a format with a number of threads, and says whether it did so thoroughly.</param>
internal sealed class MachineRates(Func<string?> path, Func<MapFormat, int, (ComputeRates Rates, bool IsThorough)> measure)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(int Threads, MapFormat Format), ComputeRates> known = [];

    /// <summary>Raised before the machine is measured, by the thread that asks for rates.</summary>
    public event EventHandler? Measuring;

    /// <summary>Those of this process.</summary>
    public static MachineRates OfProcess { get; } = new(() => RateFile.DefaultPath, RateMeasurement.Of);

    /// <summary>The rates of the processor with as many threads as the library uses now, for maps in each of some formats.</summary>
    public ComputeRates[] Of(params MapFormat[] formats)
    {
        lock (gate)
        {
            var threads = get_num_threads();
            var missing = formats.Distinct().Where(format => !known.ContainsKey((threads, format))).ToArray();
            if (missing.Length > 0)
                Find(missing, threads);
            return Array.ConvertAll(formats, format => known[(threads, format)]);
        }
    }

    /// <summary>Finds rates in the file, or else measures.</summary>
    private void Find(MapFormat[] formats, int threads)
    {
        var file = new RateFile(path(), ThisMachine.With(threads));
        foreach (var (format, rates) in file.Read())
            known.TryAdd((threads, format), rates);
        MapFormat[] unmeasured = [.. formats.Where(format => !known.ContainsKey((threads, format)))];
        if (unmeasured.Length == 0)
            return;
        Measuring?.Invoke(null, EventArgs.Empty);
        var measured = unmeasured.ToDictionary(format => format, format => measure(format, threads));
        file.Add(measured);
        foreach (var (format, one) in measured)
            known[(threads, format)] = one.Rates;
    }
}
