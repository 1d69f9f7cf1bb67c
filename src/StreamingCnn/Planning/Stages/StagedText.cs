using System.Globalization;
using System.Text;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning.Stages;

/// <summary>Writes down what the stages of a network do: what each reads and makes, where that waits, and what its tiles do.</summary>
internal static class StagedText
{
    /// <summary>The text.</summary>
    /// <param name="plan">The stages.</param>
    /// <param name="maps">Bytes of the maps between them.</param>
    /// <param name="trunk">What a stage costs.</param>
    public static string Of(StagedPlan plan, BoundaryBytes maps, Func<StageStep, TrunkCost> trunk)
    {
        var text = new StringBuilder();
        foreach (var step in plan.Steps)
        {
            var stage = step.Stage;
            Line($"Stage {stage.Index + 1} of {plan.Steps.Count}");
            foreach (var map in stage.Sources)
            {
                var maker = plan.Network.Network.Maps[map].IsSource ? "" : $", made by stage {plan.Network.StageOf(map) + 1}";
                Line($"reads {Name(map)}{maker}");
            }

            var again = plan.Network.Stages[stage.Index].Graph?.Layers.Where(
                node => node.Layer!.WorkPerPosition > 0 && plan.Network.StageOf(node.Key) < stage.Index);
            foreach (var node in again ?? [])
                Line($"computes {node.Path} again, which stage {plan.Network.StageOf(node.Key) + 1} has computed");

            foreach (var output in stage.Outputs.Where(output => output.Map >= 0))
            {
                var waits = output.IsBoundary ? $", which waits {Place(plan.Place)} up to stage {plan.LastReader(output.Map) + 1}" : "";
                Line($"makes {Name(output.Map)}{(output.NetworkOutputs.Count > 0 ? ", an output" : "")}{waits}");
            }

            foreach (var reduction in stage.Reductions.Select(index => plan.Network.Network.Reductions[index]))
                Line($"reduces {string.Join(" and ", reduction.Operands.Select(Name))}: {reduction.Name}, for {reduction.Path}");
            if (step.Step is not { } tiles)
            {
                text.Append('\n');
                continue;
            }

            var (values, gradients) = maps.At(stage.Index);
            Line($"tiles of {tiles.Tile.Height} x {tiles.Tile.Width}, {tiles.Grid.Rows.Steps} x {tiles.Grid.Columns.Steps} of them");
            var (left, all) = (Mebibytes(step.BytesBefore), Mebibytes(step.Bytes));
            Line($"waiting maps {Mebibytes(values)}, their gradients {Mebibytes(gradients)}, left by stages before {left}; in all {all}");
            text.Append('\n').Append(PlanText.Of(tiles, trunk(step)));
        }

        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        string Name(int map)
        {
            var node = plan.Network.Network.Maps[map];
            var (height, width) = plan.Size(map);
            return height == 0
                ? node.Path
                : string.Create(CultureInfo.InvariantCulture, $"{node.Path} ({node.Channels} x {height} x {width})");
        }
    }

    private static string Place(CarryPlace place) => place switch
    {
        CarryPlace.File => "in a file",
        CarryPlace.Host => "in the host's memory",
        _ => "on the device",
    };

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
