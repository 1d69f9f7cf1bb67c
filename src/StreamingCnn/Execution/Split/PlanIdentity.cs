using System.Globalization;
using System.Text;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;

namespace StreamingCnn.Execution.Split;

/// <summary>All that messages between processes rest on, as text: where it is the same, each sends what the other awaits.</summary>
internal static class PlanIdentity
{
    /// <summary>Of a network of local layers.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="differentiable">Which maps need a gradient.</param>
    /// <param name="batch">Images at once.</param>
    public static string Of(StepPlan plan, DifferentiablePart differentiable, long batch) =>
        Append(new StringBuilder(), plan, differentiable, batch).ToString();

    /// <summary>Of a network that looks at whole maps.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="wanted">Of which of a stage's sources the gradient is wanted.</param>
    /// <param name="batch">Images at once.</param>
    public static string Of(StagedPlan plan, Func<StageStep, bool[]> wanted, long batch)
    {
        var text = new StringBuilder();
        foreach (var step in plan.Steps.Where(step => step.Step is not null))
        {
            text.Append(CultureInfo.InvariantCulture, $"|{string.Join(' ', step.Stage.Sources)}");
            foreach (var output in step.Stage.Outputs)
                text.Append(CultureInfo.InvariantCulture, $" {output.Map} {output.IsBoundary} {string.Join('+', output.Reductions)}");
            Append(text, step.Step!, new DifferentiablePart(step.Step!.Grid.Graph, wanted(step)), batch);
        }

        return text.ToString();
    }

    private static StringBuilder Append(StringBuilder text, StepPlan plan, DifferentiablePart differentiable, long batch)
    {
        var grid = plan.Grid;
        text.Append(CultureInfo.InvariantCulture, $"{batch} {plan.Tile} {grid.BeyondBorder} {string.Join(' ', grid.Late.Levels)}");
        text.Append(CultureInfo.InvariantCulture, $" {string.Join(' ', plan.Shared!.Stripes.Borders)}");
        foreach (var node in grid.Graph.Nodes)
            text.Append(CultureInfo.InvariantCulture, $";{node.Channels} {grid.Size(node.Index)} {differentiable.Needs(node.Index)}");
        return text;
    }
}
