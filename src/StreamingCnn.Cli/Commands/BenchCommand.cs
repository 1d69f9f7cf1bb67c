using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Spectre.Console;
using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Cli.Input;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Reports;

namespace StreamingCnn.Cli.Commands;

/// <summary>
/// <c>scnn bench</c>: time and memory of a training step, conventional, streamed and in overlapping tiles, side by side on the user's own
/// machine.
/// </summary>
internal static class BenchCommand
{
    private const long Mebibyte = 1 << 20;

    public static Command Create()
    {
        var model = CommonOptions.Model("resnet34");
        var norm = CommonOptions.Norm();
        var sizes = CommonOptions.Several(
            "--size", "Image sizes in pixels, separated by commas; HEIGHTxWIDTH or one number for a square.", PixelSize.Parse, "1024");
        var tiles = CommonOptions.Several(
            "--tile", "Sides of square tiles in pixels, separated by commas.", text => PixelSize.Parse(text).Height, "512");
        var budgets = CommonOptions.Several(
            "--memory",
            "Memory budgets for which the planner chooses the tile, separated by commas, instead of --tile: amounts such as "
            + "1GiB; smallest, the least that it accepts; or a method on the whole image, such as checkpoint: as much as its step took, "
            + "by its first measurement.",
            BudgetChoice.Parse,
            null);
        var methods = CommonOptions.Several(
            "--method",
            "What to compare: whole; kept, the whole image with freed memory kept for the next layer; last, the same with channels last in "
            + "memory; checkpoint, the same again with every block of the network computed once more in the backward pass; once; overlap; "
            + "and bfloat16, once with maps in that type.",
            Method,
            "whole,once,overlap");
        var repeat = CommonOptions.Number("--repeat", "Rounds; in each, every setting is measured once in a process of its own.", 5, 1);
        var warmUp = CommonOptions.Number(
            "--warm-up",
            "Steps in each process before the one that is measured; 0 measures the first, which also makes room and code.",
            1,
            0);
        var device = CommonOptions.Device();
        var threads = CommonOptions.OptionalNumber("--threads", "Threads of the computation. Default: one for each processor.", 1);
        var csv = new Option<string?>("--csv")
        {
            Description =
                "File for all measurements. Those that it holds already are not made again, so that a benchmark that was stopped goes on."
        };
        var plots = new Option<string?>("--plots")
        {
            Description = "Folder for PNG plots of time and memory against tile, budget and image size, whichever there are several of."
        };
        var command = new AnnouncedCommand(
            "bench",
            "Measure time and memory of a training step: conventional, streamed, and in overlapping tiles.")
        {
            model, norm, sizes, tiles, budgets, methods, repeat, warmUp, device, threads, csv, plots,
        };
        command.FirstLine = parsed =>
            $"Measuring a training step of {parsed.GetValue(model)}: "
            + $"{string.Join(", ", parsed.GetValue(methods)!.Select(method => method.Name()))}.";
        command.SetAction(parsed =>
        {
            if (parsed.GetResult(tiles) is { Implicit: false } && parsed.GetResult(budgets) is { Implicit: false })
                throw new ArgumentException("Only one of --tile and --memory can be given: each of them says the tiles.");
            var place = Placement.Of(command, parsed, device).ToString();
            var (file, folder) = (parsed.GetValue(csv), parsed.GetValue(plots));
            if (folder is not null)
                OutputFolder.Check(folder);
            var table = file is not null && File.Exists(file) ? BenchmarkTable.FromCsv(file) : new BenchmarkTable();
            var byMemory = parsed.GetValue(budgets) ?? [];
            var (cores, before) = (parsed.GetValue(threads) ?? Environment.ProcessorCount, parsed.GetValue(warmUp));
            var settings =
                from size in parsed.GetValue(sizes)!
                from method in parsed.GetValue(methods)!
                let setting = new StepSetting(
                    parsed.GetValue(model)!, size.Height, size.Width, method, Tile: 0, Memory: 0, cores, before,
                    parsed.GetValue(norm), place)
                from one in !method.IsTiled() ? [setting]
                    : byMemory.Length > 0 ? byMemory.Select(choice => setting with { Memory = Bytes(choice, setting, table, file) })
                    : parsed.GetValue(tiles)!.Select(tile => setting with { Tile = tile })
                select one;
            Measure([.. settings.Distinct()], parsed.GetValue(repeat), table, file);
            table.Show(AnsiConsole.Console);
            Console.WriteLine(
                "Medians, and their ratios to the whole image's. MiB: peak above what was resident before the step; "
                + "plan: what the plan says of it; carry: a part of that; least: the least memory that the method can do with, "
                + "which is the smallest --memory for streamed steps, and what was measured for the whole image.");
            table.ShowParts(AnsiConsole.Console);
            if (folder is not null)
            {
                OutputFolder.Make(folder);
                foreach (var figure in BenchmarkFigures.Of(table))
                {
                    AtomicFile.Write(
                        Path.Combine(folder, figure.Name + ".png"),
                        png => png.Write(figure.Png(FigureTheme.Light, titled: true)));
                }
            }

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

    private static StepMethod Method(string text)
    {
        var names = Enum.GetValues<StepMethod>().Select(method => method.Name()).ToArray();
        return Enum.GetValues<StepMethod>()
            .Where(method => method.Name().Equals(text, StringComparison.OrdinalIgnoreCase)).Cast<StepMethod?>().FirstOrDefault()
            ?? throw new FormatException(
                $"'{text}' is not a method; {Suggestion.Ahead(text, names)}write {string.Join(", ", names[..^1])} or {names[^1]}.");
    }

    /// <summary>
    /// The budget of a streamed setting. Where a step of another method says how much, and the table has none, one is measured.
    /// </summary>
    private static long Bytes(BudgetChoice choice, StepSetting setting, BenchmarkTable table, string? csv)
    {
        if (choice.Bytes > 0)
            return choice.Bytes;
        if (choice.Like is not { } like)
            return (table.SmallestBudget(setting) + Mebibyte - 1) / Mebibyte * Mebibyte;
        var model = setting with { Method = like };
        Measure([model], 1, table, csv);
        return Math.Max(1, table.FirstPeak(model)) * Mebibyte;
    }

    /// <summary>
    /// Interleaved, so that whatever else the machine does falls on all settings alike. What is measured is in the file at once.
    /// </summary>
    private static void Measure(IReadOnlyList<StepSetting> settings, int rounds, BenchmarkTable table, string? csv)
    {
        var missing = Enumerable.Range(1, rounds).SelectMany(round => settings.Where(setting => table.Count(setting) < round)).ToArray();
        var clock = Stopwatch.StartNew();
        foreach (var (i, setting) in missing.Index())
        {
            var cost = StepProcess.Measure(setting) with { SmallestBytes = setting.Method.IsTiled() ? table.SmallestBudget(setting) : 0 };
            table.Add(setting, cost);
            if (csv is not null)
                AtomicFile.Write(csv, file => file.Write(Encoding.UTF8.GetBytes(table.ToCsv())));
            var left = clock.Elapsed / (i + 1) * (missing.Length - i - 1);
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{i + 1}/{missing.Length}  {setting.Size}, {setting.Name}: {cost.Seconds:0.00} s, {(cost.PeakBytes - cost.BaseBytes) >> 20} MiB; about {left:hh\\:mm\\:ss} left"));
        }
    }
}
