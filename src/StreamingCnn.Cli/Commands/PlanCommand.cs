using System.CommandLine;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn plan</c>: what a training step would do and cost, without computing anything.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var model = CommonOptions.Model("resnet34");
        var size = CommonOptions.Size("8192");
        var tile = CommonOptions.Tile();
        var memory = CommonOptions.Memory();
        var mode = CommonOptions.Mode();
        var channels = CommonOptions.Number("--channels", "Channels of the image.", 3, 1);
        var command = new Command("plan", "Show tile, grid and memory of a training step on one image, without running it.") { model, size, tile, memory, mode, channels };
        command.SetAction(parsed =>
        {
            var (height, width) = parsed.GetValue(size);
            using var trunk = TrunkSource.Create(parsed.GetValue(model)!, parsed.GetValue(channels));
            trunk.eval();
            using var streaming = new StreamingModule(
                trunk, new() { Tile = parsed.GetValue(tile), MemoryBudget = parsed.GetValue(memory), Mode = parsed.GetValue(mode) });
            Console.Write(streaming.Plan(height, width));
            return Program.Success;
        });
        return command;
    }
}
