using StreamingCnn.Experiments.Ladder;

namespace StreamingCnn.Experiments.Tests;

public class LadderTaskTests
{
    [Theory]
    [InlineData(300, 1200, 1)]
    [InlineData(301, 1200, 2)]
    [InlineData(1, 6, 1)]
    [InlineData(3, 6, 2)]
    public void Updates_are_rounded_up_to_whole_passes(int updates, int images, int epochs) =>
        Assert.Equal(epochs, LadderTask.EpochsFor(updates, images));
}
