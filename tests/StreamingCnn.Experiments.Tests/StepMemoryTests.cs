using StreamingCnn.Experiments.Ladder;

namespace StreamingCnn.Experiments.Tests;

public sealed class StepMemoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Peaks_above_the_base_are_taken_by_their_median()
    {
        var path = folder.Write("memory.csv", "method,base_bytes,peak_bytes\nwhole,100,900\nonce,100,150\nonce,100,400\nonce,200,270\n");

        Assert.Equal(new StepMemory(Streamed: 70, Whole: 800), StepMemory.Read(path));
    }

    [Fact]
    public void A_method_that_was_not_measured_is_named()
    {
        var path = folder.Write("memory.csv", "method,base_bytes,peak_bytes\nonce,100,150\n");

        Assert.Equal($"'{path}' holds no measurement of the method whole; delete it, and run the command again.", Assert.Throws<InvalidDataException>(() => StepMemory.Read(path)).Message);
    }
}
