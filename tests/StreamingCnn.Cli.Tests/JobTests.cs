using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Threads;

namespace StreamingCnn.Cli.Tests;

/// <summary>What several processes say when something goes wrong; here they are threads.</summary>
public class JobTests
{
    [Fact]
    public void What_all_find_is_said_once() =>
        Assert.Equal("error: The folder is full.\n", Run(3, (job, _) => job.Fail("The folder is full.")));

    [Fact]
    public void What_one_finds_ends_those_that_are_ready() => Assert.Equal("error: rank 1: The file is not here.\n", Run(3, (job, rank) =>
    {
        if (rank == 1)
            job.Fail("The file is not here.");
        else
            job.Fail(Assert.Throws<CommunicatorException>(job.Ready).Message);
    }));

    /// <summary>The others wait for its part of the work, and must not wait for ever.</summary>
    [Fact]
    public void What_goes_wrong_at_work_ends_all_with_its_rank()
    {
        var ended = Assert.Throws<CommunicatorException>(() => Run(3, (job, rank) =>
        {
            job.Ready();
            if (rank == 2)
                job.Fail("The disk is gone.");
            job.Any(false);
        }));
        Assert.Equal("rank 2: The disk is gone.", ended.Message);
    }

    [Fact]
    public void A_stop_that_one_is_told_is_known_to_all() => Assert.Equal("", Run(3, (job, rank) =>
    {
        job.Ready();
        Assert.Equal((false, true), (job.Any(false), job.Any(rank == 1)));
    }));

    [Fact]
    public void One_alone_says_it_without_a_rank() => Assert.Equal("error: There is no such file.\n", Run(1, (job, _) =>
    {
        Assert.False(job.IsShared);
        job.Ready();
        job.Fail("There is no such file.");
    }));

    /// <summary>What is said on all ranks together.</summary>
    private static string Run(int count, Action<Job, int> body)
    {
        using var errors = new StringWriter();
        using var shared = TextWriter.Synchronized(errors);
        ThreadRanks.Run(count, ranks => body(new(shared, ranks), ranks.Rank));
        return errors.ToString().ReplaceLineEndings("\n");
    }
}
