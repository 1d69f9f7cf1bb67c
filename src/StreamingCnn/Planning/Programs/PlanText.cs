using System.Globalization;
using System.Text;

namespace StreamingCnn.Planning.Programs;

/// <summary>Writes down what all tiles of a step do: kind by kind, forwards and backwards.</summary>
internal static class PlanText
{
    /// <summary>The text, with the bytes alive behind each instruction.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="trunk">What is the same for every tile.</param>
    public static string Of(StepPlan plan, TrunkCost trunk)
    {
        var text = new StringBuilder();
        var words = new ProgramText(plan.Grid.Graph);
        var kinds = plan.Grid.Order()
            .GroupBy(tile => (Kind: plan.Programs.KindOf(tile), From: plan.Kept.From(tile.Row, tile.Column)))
            .ToArray();
        foreach (var (index, tiles) in kinds.Index())
        {
            var memory = new ProgramMemory(trunk);
            var (row, column) = tiles.First();
            text.Append(
                CultureInfo.InvariantCulture,
                $"Kind {index + 1} of {kinds.Length}: {Count(tiles.Count())}, the first in row {row + 1} and column {column + 1}");
            text.Append(CultureInfo.InvariantCulture, $"{Kept(plan, tiles.Key.From)}\n\nforwards\n");
            text.Append(words.Of(plan.Programs.Forward(tiles.Key.Kind, tiles.Key.From), memory));
            text.Append("\nbackwards\n");
            text.Append(words.Of(plan.Programs.Backward(tiles.Key.Kind, tiles.Key.From), memory)).Append('\n');
        }

        return text.ToString();
    }

    private static string Count(int tiles) => tiles == 1 ? "1 tile" : string.Create(CultureInfo.InvariantCulture, $"{tiles} tiles");

    private static string Kept(StepPlan plan, int from)
    {
        var nodes = plan.Grid.Graph.Nodes;
        return from >= nodes.Count ? ", of which nothing is kept from the forward pass"
            : from <= plan.Grid.Graph.FirstLayer ? ", of which all is kept from the forward pass"
            : $", of which layers from {nodes[from].Path} on are kept from the forward pass";
    }
}
