namespace StreamingCnn.Tests.Exactness;

/// <summary>The law for networks of local layers.</summary>
public sealed class RandomFusionTests() : RandomFusionLaw(looksAtWholeMaps: false, steps: 100, runs: 40)
{
    /// <summary>
    /// Of one map a tile's layers read two stretches with another tile's columns in between, which stay until nobody's window holds them.
    /// </summary>
    [Fact]
    public void What_lies_between_the_readers_of_a_window_stays_as_long_as_they_do() => CheckStep(
        new(306110, 13, 4, 5, 9, (7, 7), 2, new(StreamingMode.ExactlyOnce, ChannelsLast: false, CarryPlace.Host, 4, 1, 29593)));
}
