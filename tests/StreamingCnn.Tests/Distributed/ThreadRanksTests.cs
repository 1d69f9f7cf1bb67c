using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Threads;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Distributed;

public class ThreadRanksTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Ranks_that_are_threads_keep_the_laws(int count)
    {
        foreach (var law in CommunicatorLaws.All)
        {
            // A message to oneself waits for oneself.
            if (count > 1 || !law.Method.Name.Contains("Messages", StringComparison.Ordinal))
                ThreadRanks.Run(count, law);
        }
    }

    [Fact]
    public void Sums_are_in_the_order_of_ranks()
    {
        double[] parts = [1e16, 1, -1e16, 3.3];
        ThreadRanks.Run(4, ranks =>
        {
            Span<double> sum = [parts[ranks.Rank]];
            ranks.Sum(sum);
            Assert.Equal(((1e16 + 1) - 1e16) + 3.3, sum[0]);
        });
    }

    [Theory]
    [InlineData("sum")]
    [InlineData("receive")]
    [InlineData("send")]
    [InlineData("split")]
    [InlineData("broadcast")]
    public void A_failure_of_one_ends_the_waits_of_all(string waiting)
    {
        var others = 0;
        var failure = Assert.Throws<InvalidDataException>(() => ThreadRanks.Run(3, ranks =>
        {
            using var scope = NewDisposeScope();
            if (ranks.Rank == 2)
                throw new InvalidDataException("Image 'a.tif' is damaged.");
            var memory = MessageMemory.Of(ones(2));
            var sentence = Assert.Throws<CommunicatorException>(() => Wait(ranks, memory)).Message;
            Assert.Equal("Image 'a.tif' is damaged.", sentence);
            Interlocked.Increment(ref others);
        }));
        Assert.Equal(("Image 'a.tif' is damaged.", 2), (failure.Message, others));

        void Wait(ICommunicator ranks, MessageMemory memory)
        {
            switch (waiting)
            {
                case "sum":
                    ranks.Sum(memory).Wait();
                    break;
                case "receive":
                    ranks.Receive(memory, 2).Wait();
                    break;
                case "send":
                    ranks.Send(memory, 2).Wait();
                    break;
                case "broadcast":
                    ranks.Broadcast(memory, 2).Wait();
                    break;
                default:
                    ranks.Split(0, 0).Dispose();
                    break;
            }
        }
    }

    [Fact]
    public void Whoever_gives_up_says_why_to_all() => Assert.Equal(
        "No more.",
        Assert.Throws<CommunicatorException>(() => ThreadRanks.Run(2, ranks =>
        {
            if (ranks.Rank == 1)
                ranks.Abort("No more.");
            Assert.Equal("No more.", Assert.Throws<CommunicatorException>(ranks.Meet).Message);
        })).Message);

    [Fact]
    public void Nobody_waits_for_one_that_has_ended()
    {
        AssertFails("Rank 1 has ended while another one waits for a message of it.", ranks =>
        {
            if (ranks.Rank == 0)
                ranks.Meet();
        });
        AssertFails("Rank 1 has ended while another one waits for a message of it.", ranks =>
        {
            using var scope = NewDisposeScope();
            if (ranks.Rank == 0)
                ranks.Receive(MessageMemory.Of(ones(1)), 1).Wait();
        });
    }

    [Fact]
    public void Ranks_that_do_different_things_are_told_so()
    {
        AssertFails("all ranks must do the same in the same order", ranks =>
        {
            using var scope = NewDisposeScope();
            ranks.Sum(ones(ranks.Rank + 1));
        });
        AssertFails("both must name the same", ranks =>
        {
            using var scope = NewDisposeScope();
            var memory = MessageMemory.Of(ones(ranks.Rank + 1));
            (ranks.Rank == 0 ? ranks.Send(memory, 1) : ranks.Receive(memory, 0)).Wait();
        });
    }

    [Fact]
    public void One_process_alone_needs_nobody()
    {
        using var scope = NewDisposeScope();
        using ICommunicator alone = Processes.Start();
        var numbers = ones(3);
        alone.Sum(numbers);
        Assert.Equal(3, numbers.sum().item<float>());
        Assert.Equal(["me"], alone.Gather("me"));
        using var group = alone.Split(0, 0);
        Assert.Equal((0, 1, 1), (alone.Rank, alone.Size, group.Size));
        Assert.Contains("works alone", Assert.Throws<CommunicatorException>(() => alone.Send(MessageMemory.Of(numbers), 1)).Message);
        Assert.Equal("Over.", Assert.Throws<CommunicatorException>(() => alone.Abort("Over.")).Message);
    }

    private static void AssertFails(string part, Action<ICommunicator> body) =>
        Assert.Contains(part, Assert.Throws<CommunicatorException>(() => ThreadRanks.Run(2, body)).Message);
}
