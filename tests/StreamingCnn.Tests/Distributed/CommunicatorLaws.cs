using StreamingCnn.Distributed;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Distributed;

/// <summary>What holds for ranks of any kind; every rank calls these.</summary>
internal static class CommunicatorLaws
{
    public static readonly Action<ICommunicator>[] All =
        [SumsAreOfAll, SumsOverlap, MessagesKeepTheirOrder, LongMessagesCrossEachOther, WhatOneHoldsAllGet, GroupsAreApart];

    private static void SumsAreOfAll(ICommunicator ranks)
    {
        using var scope = NewDisposeScope();
        var expected = Enumerable.Range(0, ranks.Size).Sum(rank => rank + 0.5);
        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
        {
            var numbers = full([3, 1000], ranks.Rank + 0.5, dtype: type);
            ranks.Sum(numbers);
            Assert.True(AreSame(numbers, full_like(numbers, expected)), $"{type}");
        }

        var whole = full([5], 1L << 60, dtype: ScalarType.Int64);
        ranks.Sum(whole);
        Assert.Equal(unchecked((1L << 60) * ranks.Size), whole[4].item<long>());
        Span<float> some = [ranks.Rank, 1];
        ranks.Sum(some);
        Assert.Equal((ranks.Size * (ranks.Size - 1) / 2, ranks.Size), ((int)some[0], (int)some[1]));

        // Not to be rounded alike in every order: all have the same bits all the same.
        var rough = tensor(Enumerable.Range(0, 999).Select(i => Math.Sin(i + (77.7 * ranks.Rank))).ToArray());
        ranks.Sum(rough);
        var first = rough.clone();
        ranks.Broadcast(first, 0);
        Assert.True(AreSame(first, rough));

        Assert.Throws<ArgumentException>(() => ranks.Sum(ones(4, ScalarType.Byte)));
        Assert.Throws<ArgumentException>(() => ranks.Sum(ones(4, 4).t()));
        ranks.Sum(empty(0));
    }

    private static void SumsOverlap(ICommunicator ranks)
    {
        using var scope = NewDisposeScope();
        var (one, two) = (full([70_000], 1.0, dtype: ScalarType.Float64), full([10], 2.0, dtype: ScalarType.Float64));
        var (first, second) = (ranks.Sum(MessageMemory.Of(one)), ranks.Sum(MessageMemory.Of(two)));
        second.Wait();
        first.Wait();
        Assert.True(first.HasEnded());
        Assert.Equal((ranks.Size, 2 * ranks.Size), (one[69_999].item<double>(), two[9].item<double>()));
    }

    private static void MessagesKeepTheirOrder(ICommunicator ranks)
    {
        using var scope = NewDisposeScope();
        var (next, previous) = ((ranks.Rank + 1) % ranks.Size, (ranks.Rank + ranks.Size - 1) % ranks.Size);
        var sent = Enumerable.Range(0, 6).Select(i => full([i + 1], (10 * ranks.Rank) + i, dtype: ScalarType.Float32)).ToArray();
        var received = sent.Select(value => zeros_like(value)).ToArray();
        // Received by the other tag first: tags do not wait for each other.
        int[] order = [1, 3, 5, 0, 2, 4];
        var pending = sent.Select((value, i) => ranks.Send(MessageMemory.Of(value), next, tag: i % 2)).ToArray();
        foreach (var i in order)
            ranks.Receive(MessageMemory.Of(received[i]), previous, tag: i % 2).Wait();
        foreach (var message in pending)
            message.Wait();
        for (var i = 0; i < sent.Length; i++)
            Assert.True(AreSame(received[i], full([i + 1], (10 * previous) + i, dtype: ScalarType.Float32)), $"message {i}");
    }

    private static void LongMessagesCrossEachOther(ICommunicator ranks)
    {
        using var scope = NewDisposeScope();
        var (mine, others) = (full([1_000_003], ranks.Rank, dtype: ScalarType.BFloat16), zeros(1_000_003, dtype: ScalarType.BFloat16));
        var partner = ranks.Size - 1 - ranks.Rank;
        if (partner == ranks.Rank)
            return;
        var (send, receive) = (ranks.Send(MessageMemory.Of(mine), partner), ranks.Receive(MessageMemory.Of(others), partner));
        receive.Wait();
        send.Wait();
        Assert.True(AreSame(others, full_like(others, partner)));
    }

    private static void WhatOneHoldsAllGet(ICommunicator ranks)
    {
        using var scope = NewDisposeScope();
        var last = ranks.Size - 1;
        var map = full([2, 3], ranks.Rank, dtype: ScalarType.Int32);
        ranks.Broadcast(map, last);
        Assert.True(AreSame(map, full_like(map, last)));
        Assert.Equal(Enumerable.Range(0, ranks.Size).Select(rank => new string('ü', rank)), ranks.Gather(new string('ü', ranks.Rank)));
        ranks.Meet();
    }

    /// <summary>Two groups, in each of which the order is turned round; sums in one do not meet those of the other.</summary>
    private static void GroupsAreApart(ICommunicator ranks)
    {
        var members = Enumerable.Range(0, ranks.Size).Where(rank => rank % 2 == ranks.Rank % 2).Reverse().ToList();
        using var group = ranks.Split(ranks.Rank % 2, -ranks.Rank);
        Assert.Equal((members.Count, members.IndexOf(ranks.Rank)), (group.Size, group.Rank));
        for (var round = 0; round <= ranks.Rank % 2; round++)
        {
            Span<double> sum = [ranks.Rank];
            group.Sum(sum);
            Assert.Equal(members.Sum(), sum[0]);
        }

        ranks.Meet();
    }

    private static bool AreSame(Tensor one, Tensor other) => one.bytes.SequenceEqual(other.bytes);
}
