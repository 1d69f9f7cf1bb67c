using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary>Where a command computes.</summary>
internal static class Placement
{
    /// <summary>Finds the device that was asked for, and says which it is.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parsed">What was asked for.</param>
    /// <param name="option">The option <c>--device</c>.</param>
    public static Device Of(AnnouncedCommand command, ParseResult parsed, Option<ComputeDevice> option)
    {
        var asked = parsed.GetValue(option)!;
        var device = asked.Find();
        if (!asked.IsCpu)
            command.Say($"Computing on {device}.");
        return device;
    }

    /// <summary>Finds the device that was asked for, before anything else is done, and says which it is.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parsed">What was asked for.</param>
    /// <param name="option">The option <c>--device</c>.</param>
    /// <param name="job">The processes that do it together.</param>
    /// <param name="needsBudget">Whether nobody has said how much of its memory a step may take.</param>
    public static Device Of(AnnouncedCommand command, ParseResult parsed, Option<ComputeDevice> option, Job job, bool needsBudget)
    {
        var asked = parsed.GetValue(option)!;
        var device = job.Place(asked, needsBudget);
        if (!asked.IsCpu && job.IsFirst)
        {
            var budget = needsBudget && job.MemoryBudget(null, isTileGiven: false) is { } bytes
                ? string.Create(CultureInfo.InvariantCulture, $"; a step may take {bytes >> 20} MiB of its memory")
                : "";
            command.Say($"Computing on {device}{budget}.");
        }

        return device;
    }
}
