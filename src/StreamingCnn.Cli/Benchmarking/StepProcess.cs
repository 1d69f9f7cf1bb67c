using System.Diagnostics;
using StreamingCnn.Cli.Verification;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>
/// Measures a step in a process of its own, so that no setting profits or suffers from the memory that another one left behind.
/// </summary>
internal static class StepProcess
{
    // The first operations of a process start threads and compile; a small image of its own pays for that.
    private const int WarmUpSide = 128;
    private const int Channels = 3;

    /// <summary>The command by which the program calls itself.</summary>
    public const string CommandName = "bench-step";

    /// <summary>Runs a setting in a new process.</summary>
    /// <exception cref="InvalidOperationException">The process failed, for example for lack of memory.</exception>
    public static StepCost Measure(StepSetting setting)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Under "dotnet scnn.dll" the process is dotnet, which wants the assembly's name first.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(StepProcess).Assembly.Location);
        start.ArgumentList.Add(CommandName);
        start.ArgumentList.Add(setting.ToJson());
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? StepCost.FromJson(output)
            : throw new InvalidOperationException(
                $"The step '{setting.Name}' at {setting.Height} x {setting.Width} px ended with exit code {process.ExitCode}: {errors.Result.Split('\n')[0]}");
    }

    /// <summary>Runs a setting in this process.</summary>
    public static StepCost Run(StepSetting setting)
    {
        set_num_threads(setting.Threads);
        manual_seed(1);
        var device = ComputeDevice.Parse(setting.Device).Find();
        var memory = StepMemory.Of(device);
        using var trunk = Trunk(setting);
        trunk.to(device);
        // A streamed warm-up moves tensors to the heap that keeps what is freed.
        var method = setting.Method.KeepsFreed() ? StepMethod.Once : setting.Method;
        var warmUp = setting with { Method = method, Tile = WarmUpSide, Memory = 0 };
        using (var small = randn(1, Channels, WarmUpSide, WarmUpSide, device: device))
            Step(warmUp.Method.IsTiled() ? Streaming(trunk, warmUp) : trunk, small);

        trunk.zero_grad();
        var profile = new StepProfile();
        using var streaming = setting.Method.IsTiled() ? Streaming(trunk, setting, profile) : null;
        var checkpointed = setting.Method == StepMethod.Checkpoint ? new CheckpointedTrunk(trunk, Channels, setting.Height) : null;
        var plan = streaming?.Plan(setting.Height, setting.Width);
        using var image = setting.Method.IsChannelsLast()
            ? randn(1, setting.Height, setting.Width, Channels, device: device).permute(0, 3, 1, 2)
            : randn(1, Channels, setting.Height, setting.Width, device: device);
        // The parameters are resident before the step; their gradients are not.
        var planned = plan is null ? 0 : plan.StepBytes - plan.ParameterBytes / 2;
        // What warming up and planning have left behind must not be taken for the step's.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TensorMemory.Trim();
        memory.Reset();
        var before = memory.Peak;
        // In training, every step but the first finds what the one before it has left: memory, and code for its convolutions.
        for (var i = 0; i < setting.WarmUp; i++)
            Once();
        profile.Clear();
        memory.Finish();
        var clock = Stopwatch.StartNew();
        Once();
        memory.Finish();
        var (seconds, peak) = (clock.Elapsed.TotalSeconds, memory.Peak);
        var parts = Enum.GetValues<StepPart>().Where(_ => plan?.Mode == StreamingMode.ExactlyOnce).ToDictionary(
            part => part, profile.Seconds);
        var (tile, ratio) = ((int)(plan?.Tile.Height ?? 0), plan?.TimeRatio ?? 0);
        return new(seconds, before, peak, planned, plan?.CarryBytes ?? 0, tile, ratio, SmallestBytes: 0, parts);

        void Once()
        {
            trunk.zero_grad();
            if (checkpointed is null)
                Step(streaming ?? trunk, image);
            else
                checkpointed.Step(image, Loss).Dispose();
        }
    }

    /// <summary>The smallest memory budget in bytes that the planner accepts for a streamed setting.</summary>
    public static long SmallestBudget(StepSetting setting)
    {
        using var trunk = Trunk(setting);
        using var streaming = Streaming(trunk, setting);
        return streaming.SmallestBudget(setting.Height, setting.Width);
    }

    private static Module<Tensor, Tensor> Trunk(StepSetting setting)
    {
        var trunk = TrunkSource.Create(setting.Model, Channels, setting.Norm);
        trunk.train(setting.Norm == NormKind.Batch);
        return trunk;
    }

    private static StreamingModule Streaming(Module<Tensor, Tensor> trunk, StepSetting setting, StepProfile? profile = null) =>
        new(trunk, new()
        {
            Tile = setting.Tile > 0 ? (setting.Tile, setting.Tile) : null,
            MemoryBudget = setting.Memory > 0 ? setting.Memory : null,
            Mode = setting.Method == StepMethod.Overlap ? StreamingMode.Overlap : StreamingMode.ExactlyOnce,
            Compute = setting.Method == StepMethod.BFloat16 ? ComputePrecision.BFloat16 : ComputePrecision.Parameters,
            Profile = profile,
        });

    private static void Step(Module<Tensor, Tensor> module, Tensor image)
    {
        using var scope = NewDisposeScope();
        Loss(module.forward(image)).backward();
    }

    // Global pooling, as a classifier begins: a loss on the map itself would hold several more of its size, the caller's and not the
    // step's.
    private static Tensor Loss(Tensor map) => map.mean([2, 3]).Squared().mean();
}
