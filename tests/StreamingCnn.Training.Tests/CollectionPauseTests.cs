namespace StreamingCnn.Training.Tests;

public class CollectionPauseTests
{
    [Fact]
    public void Nothing_is_collected_within()
    {
        for (var round = 0; round < 50; round++)
        {
            using var pause = new CollectionPause();
            var before = GC.CollectionCount(0);
            var kept = 0;
            for (var i = 0; i < 4000; i++)
                kept += new byte[1000].Length;
            Assert.Equal(before, GC.CollectionCount(0));
            Assert.Equal(4_000_000, kept);
        }
    }

    [Fact]
    public void What_is_left_between_pauses_is_collected()
    {
        for (var step = 0; step < 300; step++)
        {
            Assert.Equal(1 << 20, new byte[1 << 20].Length);
            using var pause = new CollectionPause();
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: false), 0, 150L << 20);
    }

    [Fact]
    public void It_may_be_ended_by_others_and_nested()
    {
        using (new CollectionPause())
            GC.Collect();
        using var outer = new CollectionPause();
        using var inner = new CollectionPause();
    }
}
