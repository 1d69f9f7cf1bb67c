using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using StreamingCnn.Cli.Input;
using StreamingCnn.Cli.Verification;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn verify</c>: whole image against streamed, on the user's own model, size, tile and precision.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var model = CommonOptions.Model("resnet18", takesScripts: true);
        var norm = CommonOptions.Norm();
        var size = CommonOptions.Size("512x384");
        var tile = CommonOptions.Tile("128x96");
        var mode = CommonOptions.Mode();
        var precision = CommonOptions.Precision();
        var batch = CommonOptions.Number("--batch", "Images in the batch.", 1, 1);
        var channels = CommonOptions.Number("--channels", "Channels of the image.", 3, 1);
        var seed = CommonOptions.Number("--seed", "Seed of weights, image and gradient.", 1, 0);
        var device = CommonOptions.Device();
        var command = new AnnouncedCommand(
            "verify",
            "Compare output and all gradients of a streamed run with those of the whole image: a table, PASS or FAIL, exit code 0 or 1.")
        {
            model, norm, size, tile, mode, precision, batch, channels, device, seed,
        };
        command.FirstLine = parsed => string.Create(
            CultureInfo.InvariantCulture,
            $"{parsed.GetValue(model)}, {parsed.GetValue(batch)} x {parsed.GetValue(channels)} x {parsed.GetValue(size).Height} x "
            + $"{parsed.GetValue(size).Width} px, tile {parsed.GetValue(tile)?.Height} x {parsed.GetValue(tile)?.Width}, "
            + $"{CommonOptions.NameOf(parsed.GetValue(mode))}, {parsed.GetValue(precision).ToString().ToLowerInvariant()}");
        command.SetAction(parsed =>
        {
            var place = Placement.Of(command, parsed, device);
            manual_seed(parsed.GetValue(seed));
            var (height, width) = parsed.GetValue(size);
            var name = parsed.GetValue(model)!;
            if (TrunkSource.IsScript(name) && parsed.GetValue(mode) != StreamingMode.Overlap)
                throw new ArgumentException($"'{Excerpt.Of(name)}' is a module of TorchScript, which the engine cannot see into and streams with overlapping tiles alone; write --mode overlap.");
            using var trunk = TrunkSource.Create(name, parsed.GetValue(channels), parsed.GetValue(norm), runsScripts: true);
            var agrees = trunk is not OnnxTrunk imported
                || Show(RuntimeComparison.Of(imported, height, width, Environment.GetEnvironmentVariable));
            trunk.to(place);
            var options = new StreamingOptions { Tile = parsed.GetValue(tile), Mode = parsed.GetValue(mode) };
            var report = new Verifier(trunk, options, parsed.GetValue(norm) == NormKind.Batch).Run(
                [parsed.GetValue(batch), parsed.GetValue(channels), height, width], parsed.GetValue(precision), parsed.GetValue(seed));
            return Show(report, AnsiConsole.Console) == Program.Success && agrees ? Program.Success : Program.Negative;
        });
        return command;
    }

    /// <summary>Prints a comparison with another program.</summary>
    /// <returns>Whether the two agree, or there is none.</returns>
    private static bool Show(RuntimeComparison comparison)
    {
        Console.WriteLine(Printable.Of(comparison.Text));
        return comparison.Agrees;
    }

    /// <summary>Prints a report.</summary>
    /// <returns>The exit code.</returns>
    internal static int Show(VerificationReport report, IAnsiConsole console)
    {
        var table = new Table().AddColumn("tensor").AddColumn(new TableColumn("largest difference").RightAligned()).AddColumn(
            new TableColumn("relative").RightAligned());
        foreach (var tensor in report.Tensors)
            table.AddRow(new Text(tensor.Name), new Text(Number(tensor.Absolute)), new Text(Number(tensor.Relative)));
        console.Write(table);

        var costs = new Table().AddColumn("run").AddColumn(new TableColumn("seconds").RightAligned()).AddColumn(
            new TableColumn("peak memory").RightAligned());
        costs.AddRow("whole image", Seconds(report.Whole), Peak(report.Whole));
        costs.AddRow("streamed", Seconds(report.Streamed), Peak(report.Streamed));
        console.Write(costs);

        Console.WriteLine($"Worst relative difference {Number(report.Worst)}; to pass: {report.Criterion}.");
        Console.WriteLine(report.Passed ? "PASS" : "FAIL");
        return report.Passed ? Program.Success : Program.Negative;

        static string Number(double value) => value.ToString("0.0e0", CultureInfo.InvariantCulture);
        static string Seconds(ArmCost cost) => cost.Time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture);
        static string Peak(ArmCost cost) =>
            cost.PeakBytes == 0 ? "unknown" : string.Create(CultureInfo.InvariantCulture, $"{cost.PeakBytes / 1048576.0:0} MiB");
    }
}
