using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Cli.Verification;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Budgets;

/// <summary>
/// Runs cases in this process, one after the other. What a step takes counts above what the process took before its first
/// case, that case's weights left out: a budget is for parameters, too, and what an earlier case has left behind counts
/// against a later one and never for it.
/// </summary>
internal sealed class BudgetProcess
{
    // Networks without padding take no smaller images.
    private static readonly int[] WarmUpSides = [64, 128, 256, 512, 1024];

    private long? bare;

    /// <summary>Runs a case.</summary>
    public BudgetResult Run(BudgetCase c)
    {
        var clock = new PlanClock();
        using var scope = NewDisposeScope();
        using (var tiny = c.Trunk(WarmUpSides[0], WarmUpSides[0]))
            WarmUp(c, tiny);
        using var trunk = c.Trunk(c.Height, c.Width);
        try
        {
            TilePlan Plan(long budget) => clock.Time(() => new StreamingModule(trunk, c.Options(budget)).Plan(c.Height, c.Width));
            var whole = Plan(long.MaxValue / 4).StepBytes;
            var least = Smallest(() => Plan(1));
            var (budget, outcome, problem) = (c.Budget(least, whole), "ran", "");
            if (Smallest(() => Plan(budget)) is > 0 and var named)
            {
                outcome = "refused";
                problem = Smallest(() => Plan(named)) > 0 ? "the named budget is refused"
                    : Smallest(() => Plan(named - (1 << 20))) == 0 ? "a smaller budget than the named one does" : "";
                budget = named;
            }

            var planned = Plan(budget).StepBytes;
            var (taken, seconds) = Measure(c, trunk, budget);
            return new(c, outcome, budget, planned, taken.Bytes, clock.Longest, seconds, taken.IsFirst, problem);
        }
        catch (UnsupportedLayerException refused)
            when (refused.Message.Contains("cannot be applied to an image of", StringComparison.Ordinal))
        {
            return new(c, "too small", 0, 0, 0, clock.Longest, 0, bare is null, "");
        }
    }

    private ((long Bytes, bool IsFirst), double Seconds) Measure(BudgetCase c, Module<Tensor, Tensor> trunk, long budget)
    {
        var streaming = new StreamingModule(trunk, c.Options(budget));
        using var image = randn(1, 3, c.Height, c.Width);
        var own = image.numel() * image.element_size();
        // What warming up and planning have left behind must neither be taken for the step's nor spare it memory.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TensorMemory.Trim();
        PeakMemory.Reset();
        var isFirst = bare is null;
        bare ??= PeakMemory.Bytes - own - trunk.parameters().Concat(trunk.buffers()).Sum(tensor => tensor.numel() * tensor.element_size());
        var clock = Stopwatch.StartNew();
        Step(streaming, image);
        return ((PeakMemory.Bytes - own - bare.Value, isFirst), clock.Elapsed.TotalSeconds);
    }

    private static void WarmUp(BudgetCase c, Module<Tensor, Tensor> trunk)
    {
        foreach (var side in WarmUpSides)
        {
            try
            {
                var streaming = new StreamingModule(trunk, c.Options(1L << 40) with { MemoryBudget = null, Tile = (side / 2, side / 2) });
                using var image = randn(1, 3, side, side);
                Step(streaming, image);
                return;
            }
            catch (UnsupportedLayerException) when (side != WarmUpSides[^1])
            {
            }
        }
    }

    private static void Step(StreamingModule module, Tensor image)
    {
        using var scope = NewDisposeScope();
        // As a classifier begins: a loss on the map itself would hold several more of its size, the caller's and not the step's.
        module.forward(image).mean([2, 3]).square().mean().backward();
    }

    /// <summary>The smallest budget that a refusal names, in bytes; 0 where there is none.</summary>
    private static long Smallest(Func<TilePlan> plan)
    {
        try
        {
            plan();
            return 0;
        }
        catch (InsufficientMemoryException refused)
        {
            var text = refused.Message.Split("into is ")[1];
            return long.Parse(text[..text.IndexOf(' ')], CultureInfo.InvariantCulture) << 20;
        }
    }

    /// <summary>Processor time of the planner's answers.</summary>
    private sealed class PlanClock
    {
        public double Longest { get; private set; }

        public TilePlan Time(Func<TilePlan> plan)
        {
            var before = Environment.CpuUsage.TotalTime;
            try
            {
                return plan();
            }
            finally
            {
                Longest = Math.Max(Longest, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
            }
        }
    }
}
