using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Spectre.Console;
using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Cli.Input;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn bench</c>: time and memory of a training step, conventional, streamed and in overlapping tiles, side by side on the user's own machine.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var model = CommonOptions.Model("resnet34");
        var sizes = CommonOptions.Several("--size", "Image sizes in pixels, separated by commas; HEIGHTxWIDTH or one number for a square.", PixelSize.Parse, "1024");
        var tiles = CommonOptions.Several("--tile", "Sides of square tiles in pixels, separated by commas.", text => PixelSize.Parse(text).Height, "512");
        var budgets = CommonOptions.Several("--memory", "Memory budgets for which the planner chooses the tile, separated by commas, such as 1GiB,2GiB; instead of --tile.", ByteSize.Parse, null);
        var methods = CommonOptions.Several(
            "--method",
            "What to compare: whole, once, overlap, and kept: the whole image with freed memory kept for the next layer.",
            text => Enum.TryParse<StepMethod>(text, ignoreCase: true, out var method) && Enum.IsDefined(method)
                ? method
                : throw new FormatException($"'{text}' is not a method; write whole, kept, once or overlap."),
            "whole,once,overlap");
        var repeat = CommonOptions.Number("--repeat", "Rounds; in each, every setting is measured once in a process of its own.", 5, 1);
        var threads = CommonOptions.OptionalNumber("--threads", "Threads of the computation. Default: one for each processor.", 1);
        var csv = new Option<string?>("--csv") { Description = "File for all measurements." };
        var command = new Command("bench", "Measure time and memory of a training step: conventional, streamed, and in overlapping tiles.")
        {
            model, sizes, tiles, budgets, methods, repeat, threads, csv,
        };
        command.SetAction(parsed =>
        {
            var byMemory = parsed.GetValue(budgets) ?? [];
            var settings =
                from size in parsed.GetValue(sizes)!
                from method in parsed.GetValue(methods)!
                from choice in !method.IsTiled() ? [(Tile: 0, Memory: 0L)]
                    : byMemory.Length > 0 ? byMemory.Select(memory => (Tile: 0, Memory: memory))
                    : parsed.GetValue(tiles)!.Select(tile => (Tile: tile, Memory: 0L))
                select new StepSetting(parsed.GetValue(model)!, size.Height, size.Width, method, choice.Tile, choice.Memory, parsed.GetValue(threads) ?? Environment.ProcessorCount);
            var table = Measure([.. settings], parsed.GetValue(repeat));
            table.Show(AnsiConsole.Console);
            Console.WriteLine("Medians, and their ratios to the whole image's. MiB: peak above what was resident before the step; planned: what the plan says of it; carry: a part of that.");
            if (parsed.GetValue(csv) is { } path)
                AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(table.ToCsv())));
            return Program.Success;
        });
        return command;
    }

    /// <summary>The command that a measuring process runs.</summary>
    public static Command CreateStep()
    {
        var setting = new Argument<string>("setting");
        var command = new Command(StepProcess.CommandName, "Measure one step in this process.") { setting };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            Console.WriteLine(StepProcess.Run(StepSetting.FromJson(parsed.GetValue(setting)!)).ToJson());
            return Program.Success;
        });
        return command;
    }

    /// <summary>Interleaved, so that whatever else the machine does falls on all settings alike.</summary>
    private static BenchmarkTable Measure(IReadOnlyList<StepSetting> settings, int rounds)
    {
        var table = new BenchmarkTable();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < rounds * settings.Count; i++)
        {
            var setting = settings[i % settings.Count];
            var cost = StepProcess.Measure(setting);
            table.Add(setting, cost);
            var left = clock.Elapsed / (i + 1) * (rounds * settings.Count - i - 1);
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{i + 1}/{rounds * settings.Count}  {setting.Height} x {setting.Width}, {setting.Name}: {cost.Seconds:0.00} s, {(cost.PeakBytes - cost.BaseBytes) >> 20} MiB; about {left:hh\\:mm\\:ss} left"));
        }

        return table;
    }
}
