using System.Text.Json.Serialization;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;

namespace StreamingCnn.Execution.Machine;

/// <summary>One measurement, as it is remembered: of which machine, for maps in which format, how long it holds, and the rates.</summary>
internal sealed record RateEntry(
    ThisMachine Machine,
    MapFormat Format,
    DateTime Until,
    Dictionary<WorkKind, WorkRate> Work,
    double Comparisons,
    double Bandwidth,
    double Weights,
    double Fresh,
    double Call)
{
    /// <summary>Whether every rate is there and can be one.</summary>
    [JsonIgnore]
    public bool IsWhole => Enum.GetValues<WorkKind>().All(Work.ContainsKey)
        && Work.Values.SelectMany(rate => new[] { rate.Forward, rate.Backward }).Concat([Comparisons, Bandwidth, Weights, Fresh, Call])
            .All(rate => double.IsFinite(rate) && rate > 0);

    /// <summary>The rates.</summary>
    [JsonIgnore]
    public ComputeRates Rates => new()
    {
        Work = Work,
        Comparisons = Comparisons,
        Bandwidth = Bandwidth,
        Weights = Weights,
        Fresh = Fresh,
        Call = Call,
    };

    /// <summary>What has just been measured.</summary>
    public static RateEntry Of(ThisMachine machine, MapFormat format, DateTime until, ComputeRates rates) => new(
        machine, format, until, new(rates.Work), rates.Comparisons, rates.Bandwidth, rates.Weights, rates.Fresh, rates.Call);
}
