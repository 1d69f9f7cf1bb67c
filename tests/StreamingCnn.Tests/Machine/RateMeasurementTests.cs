using StreamingCnn.Execution.Machine;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Machine;

/// <summary>Measuring gives a rate for everything, and leaves no trace.</summary>
public class RateMeasurementTests
{
    [Fact]
    public void Every_rate_can_be_one_and_the_random_numbers_to_come_are_the_same()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var before = random.get_rng_state();

        var rates = RateMeasurement.Of(MapFormat.ChannelsLast, get_num_threads()).Rates;

        Assert.True(before.eq(random.get_rng_state()).all().item<bool>());
        Assert.All(Enum.GetValues<WorkKind>(), kind => Assert.InRange(rates.Work[kind].Forward, 1e7, 1e15));
        Assert.All(Enum.GetValues<WorkKind>(), kind => Assert.InRange(rates.Work[kind].Backward, 1e6, 1e15));
        Assert.InRange(rates.Comparisons, 1e6, 1e13);
        Assert.InRange(rates.Bandwidth, 1e7, 1e13);
        Assert.InRange(rates.Fresh, 1e6, 1e13);
        Assert.InRange(rates.Call, 1e-8, 0.1);
        Assert.True(rates.Weights > 0);
    }
}
