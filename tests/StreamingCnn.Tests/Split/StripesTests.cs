using CsCheck;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Split;

/// <summary>Stripes hold every column once, and the heaviest is as light as can be.</summary>
public sealed class StripesTests
{
    [Fact]
    public void The_heaviest_stripe_weighs_least() => Gen.Select(Gen.Int[0, 20].Array[1, 9], Gen.Int[1, 5]).Sample((work, count) =>
    {
        var stripes = Stripes.Balanced([.. work.Select(one => (double)one)], count);

        Assert.Equal(count, stripes.Count);
        Assert.Equal((0, work.Length), (stripes.Of(0).Start, stripes.Of(count - 1).End));
        Assert.All(Enumerable.Range(1, count - 1), rank => Assert.Equal(stripes.Of(rank - 1).End, stripes.Of(rank).Start));
        Assert.Equal(Least(work, 0, count), Enumerable.Range(0, count).Max(rank => Weight(work, stripes.Of(rank))));
    });

    private static int Weight(int[] work, HomeRange columns) => work[columns.Start..columns.End].Sum();

    /// <summary>The least by trying all.</summary>
    private static int Least(int[] work, int first, int count) => count == 1
        ? work[first..].Sum()
        : Enumerable.Range(first, work.Length - first + 1).Min(next => Math.Max(work[first..next].Sum(), Least(work, next, count - 1)));
}
