using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Distributed;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using StreamingCnn.Training;
using StreamingCnn.Training.Runs;
using TorchSharp;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn plan</c>: what a training step would do and cost, without computing anything.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var model = CommonOptions.Model("resnet34");
        var norm = CommonOptions.Norm();
        var size = CommonOptions.Size("8192");
        var tile = CommonOptions.Tile();
        var memory = CommonOptions.Memory();
        var mode = CommonOptions.Mode();
        var carry = new CarryOptions();
        var compute = CommonOptions.Compute();
        var channels = CommonOptions.Number("--channels", "Channels of the image.", 3, 1);
        var device = CommonOptions.Device();
        var pooling = new PoolingOptions();
        var classes = CommonOptions.Number("--classes", "Numbers that the model puts out.", 2, 1);
        var processes = CommonOptions.Number(
            "--processes", "Processes that share the image, each with a stripe of it; --memory is for each.", 1, 1);
        var processors = CommonOptions.OptionalNumber(
            "--processors", "With --processes, how many of them compute at once, where they share fewer processors. Default: all.", 1);
        var bandwidth = CommonOptions.Parsed(
            "--bandwidth", "With --processes, bytes that go from one to another in a second.", ByteSize.Parse, "1GB");
        var latency = CommonOptions.Number("--latency", "With --processes, microseconds that a message takes besides.", 100, 0);
        var explain = new Option<bool>("--explain")
        {
            Description = "Print what each kind of tile does, instruction by instruction, with the memory alive behind each.",
        };
        var command = new AnnouncedCommand("plan", "Show tile, grid and memory of a training step on one image, without running it.")
        {
            model, norm, pooling.Pooling, pooling.Number, classes, size, tile, memory, mode, channels,
            carry.Place, carry.Maps, carry.Folder, compute, device, processes, processors, bandwidth, latency, explain,
        };
        command.FirstLine = parsed =>
            $"Planning a training step of {parsed.GetValue(model)} on {parsed.GetValue(size).Height} x {parsed.GetValue(size).Width} px.";
        command.SetAction(parsed =>
        {
            pooling.Check(parsed);
            var several = parsed.GetValue(processes);
            if (several > 1 && parsed.GetValue(mode) == StreamingMode.Overlap)
                throw new ArgumentException($"--processes {several} share tiles that are computed exactly once, but --mode is overlap; leave out one or the other.");
            var place = Placement.Of(command, parsed, device);
            var (height, width) = parsed.GetValue(size);
            using var trunk = TrunkSource.Create(parsed.GetValue(model)!, parsed.GetValue(channels), parsed.GetValue(norm));
            var outputChannels = TrunkSource.OutputChannels(trunk, parsed.GetValue(channels));
            // In the modes in which training runs it.
            trunk.train();
            trunk.to(place);
            using var streamed = Model(carry.Apply(parsed, new()
            {
                Tile = parsed.GetValue(tile),
                MemoryBudget = parsed.GetValue(memory),
                Mode = parsed.GetValue(mode),
                Compute = parsed.GetValue(compute),
                FrozenBatchNorm = parsed.GetValue(norm) == NormKind.Frozen,
                SplitOver = several > 1 ? new PlannedRanks(several, parsed.GetValue(processors)) : null,
            }));
            var plan = streamed.Plan(height, width, parsed.GetValue(channels));
            Console.Write(plan);
            if (plan.Processes > 1)
                Console.WriteLine($"speed-up   {SpeedUp(plan, streamed.Options, Model, parsed.GetValue(bandwidth), parsed.GetValue(latency))}");
            else if (plan.Mode == StreamingMode.ExactlyOnce)
                Console.WriteLine($"overlap    {Overlap(plan, streamed.Options, Model)}");
            if (parsed.GetValue(explain))
                Console.Write($"\n{plan.Explanation}");
            return Program.Success;

            StreamingClassifier Model(StreamingOptions options) => new(
                trunk,
                parsed.GetValue(classes),
                options,
                parsed.GetValue(pooling.Pooling),
                channels: outputChannels,
                poolingNumber: parsed.GetValue(pooling.Number));
        });
        return command;
    }

    /// <summary>How much faster several processes would be than one with the memory of one of them.</summary>
    /// <param name="plan">The plan of several.</param>
    /// <param name="options">Their options.</param>
    /// <param name="model">Makes the model with others.</param>
    /// <param name="bandwidth">Bytes in a second from one to another.</param>
    /// <param name="latency">Microseconds of a message besides.</param>
    private static string SpeedUp(
        TilePlan plan, StreamingOptions options, Func<StreamingOptions, StreamingClassifier> model, long bandwidth, int latency)
    {
        // The wave has to come to the last process in both passes of each stage; gradients are added up once, there and back.
        var hops = 2.0 * plan.Stages * (plan.Processes - 1);
        var messages = (hops * ((latency * 1e-6) + ((double)plan.RowMessageBytes / bandwidth)))
            + (2.0 * plan.ParameterBytes / bandwidth);
        var all = plan.Seconds + messages;
        var network = string.Create(CultureInfo.InvariantCulture, $"messages at {bandwidth / 1e9:0.##} GB/s and {latency} \u00b5s");
        try
        {
            var one = model(options with { SplitOver = null }).Plan(plan.Image.Height, plan.Image.Width);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"about {one.Seconds / all:0.0} times as fast as one process with the same memory, with {network}: {all:0.0} s");
        }
        catch (InsufficientMemoryException)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"about {all:0.0} s with {network}; the image does not fit into the memory of one process");
        }
    }

    /// <summary>What overlapping tiles would cost in the same memory.
    private static string Overlap(TilePlan plan, StreamingOptions options, Func<StreamingOptions, StreamingClassifier> model)
    {
        // A model takes its trunk with it when it goes, and the plan goes on with that.
        var budget = StepModel.BudgetFor(plan.StepBytes);
        var streaming = model(options with { Mode = StreamingMode.Overlap, Tile = null, MemoryBudget = budget });
        try
        {
            var other = streaming.Plan(plan.Image.Height, plan.Image.Width);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{other.TimeRatioText} of a conventional step in the same memory, "
                + $"with tiles of {other.Tile.Height} x {other.Tile.Width} px; "
                + $"computes {other.ComputedOnceRatio:0.00} times as many values");
        }
        catch (InsufficientMemoryException)
        {
            return "does not fit into the same memory, whatever the tile";
        }
    }
}
