using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
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
        var explain = new Option<bool>("--explain")
        {
            Description = "Print what each kind of tile does, instruction by instruction, with the memory alive behind each.",
        };
        var command = new AnnouncedCommand("plan", "Show tile, grid and memory of a training step on one image, without running it.")
        {
            model, norm, pooling.Pooling, pooling.Number, classes, size, tile, memory, mode, channels,
            carry.Place, carry.Maps, carry.Folder, compute, device, explain,
        };
        command.FirstLine = parsed =>
            $"Planning a training step of {parsed.GetValue(model)} on {parsed.GetValue(size).Height} x {parsed.GetValue(size).Width} px.";
        command.SetAction(parsed =>
        {
            pooling.Check(parsed);
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
            }));
            var plan = streamed.Plan(height, width, parsed.GetValue(channels));
            Console.Write(plan);
            if (plan.Mode == StreamingMode.ExactlyOnce)
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

    /// <summary>What overlapping tiles would cost in the same memory.</summary>
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
