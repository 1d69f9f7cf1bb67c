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

    [Fact]
    public void A_device_that_is_missing_is_said_once()
    {
        Assert.SkipWhen(TorchSharp.torch.cuda.is_available(), "There is a GPU here.");

        var said = Run(3, (job, _) =>
        {
            var missing = Assert.ThrowsAny<Exception>(() => job.Place(ComputeDevice.Parse("cuda"), needsBudget: true));
            job.Fail(missing.Message);
        });

        Assert.StartsWith("error: The device cuda was asked for, but this build of libtorch carries no CUDA;", said);
        Assert.Single(said.TrimEnd().Split('\n'));
    }

    /// <summary>A fault that one finds before it looks for its device, while the others wait for one another there.</summary>
    [Fact]
    public void What_one_finds_before_it_looks_for_a_device_ends_all() => Assert.Equal(
        "error: rank 1: The file is not here.\n",
        Run(3, (job, rank) =>
        {
            if (rank == 1)
                job.Fail("The file is not here.");
            else
                job.Fail(Assert.Throws<CommunicatorException>(() => job.Place(ComputeDevice.Parse("auto"), needsBudget: false)).Message);
        }));

    [Fact]
    public void Processes_of_one_device_share_its_memory()
    {
        ComputeDevice.StandIn = OtherDevice.Get();
        try
        {
            long?[] budgets = new long?[3];
            Run(3, (job, rank) =>
            {
                Assert.Equal(ComputeDevice.StandIn!.type, job.Place(ComputeDevice.Parse("cuda"), needsBudget: true).type);
                budgets[rank] = job.MemoryBudget(null, isTileGiven: false);
                job.Ready();
            });

            Assert.Single(budgets.Distinct());
            Assert.InRange(budgets[0]!.Value * 3.0 / StreamingOptions.DefaultMemoryBudget, 0.5, 2);
        }
        finally
        {
            ComputeDevice.StandIn = null;
        }
    }

    /// <summary>What is said on all ranks together.</summary>
    private static string Run(int count, Action<Job, int> body)
    {
        using var errors = new StringWriter();
        using var shared = TextWriter.Synchronized(errors);
        ThreadRanks.Run(count, ranks => body(new(shared, ranks), ranks.Rank));
        return errors.ToString().ReplaceLineEndings("\n");
    }
}
