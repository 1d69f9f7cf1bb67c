using System.Globalization;
using System.Text;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>All that a plan rests on, as text: where it is the same, so is the plan.</summary>
internal sealed class PlanKey
{
    private readonly StringBuilder text = new();

    /// <param name="options">What was asked for, with the budget that is meant where none was named.</param>
    /// <param name="trunk">What the network costs.</param>
    /// <param name="rows">The network along rows.</param>
    /// <param name="columns">The network along columns.</param>
    public PlanKey(StreamingOptions options, TrunkCost trunk, AxisNetwork rows, AxisNetwork columns)
    {
        var graph = rows.Graph;
        text.Append(CultureInfo.InvariantCulture, $"{options.Mode} {options.Tile} {options.MemoryBudget} {options.BoundaryMaps} ");
        text.Append(CultureInfo.InvariantCulture, $"{trunk.Batch} {trunk.ElementSize} {trunk.ParameterBytes} {trunk.CarryIsElsewhere} {trunk.Passes}");
        text.Append(CultureInfo.InvariantCulture, $" {trunk.Stage?.Text}");
        if (options.Processes > 1)
            text.Append(CultureInfo.InvariantCulture, $" {options.Process} of {options.Processes} on {options.Processors}");
        foreach (var (stride, period) in options.LateMaps ?? [])
            text.Append(CultureInfo.InvariantCulture, $" {stride}/{period}");
        if (options.LateMaps is not null)
            text.Append(" late");
        foreach (var source in graph.Sources)
        {
            text.Append(CultureInfo.InvariantCulture, $";{source.Channels} {rows.Length(source.Index)} {columns.Length(source.Index)}");
            text.Append(CultureInfo.InvariantCulture, $" {trunk.Differentiable.Needs(source.Index)} {source.IsStored}");
        }

        foreach (var node in graph.Layers)
            Add(node, trunk, rows, columns);
        text.Append(CultureInfo.InvariantCulture, $";{string.Join(' ', graph.Outputs)}");
        Text = text.ToString();
    }

    /// <summary>The text.</summary>
    public string Text { get; }

    /// <summary>
    /// Whether every integer of the geometry is in it. Of maps that users have written there are samples alone, which will do for a
    /// decision, but not for a layout.
    /// </summary>
    public bool IsWhole { get; private set; } = true;

    private void Add(GraphNode node, TrunkCost trunk, AxisNetwork rows, AxisNetwork columns)
    {
        var (i, layer) = (node.Index, node.Layer!);
        text.Append(CultureInfo.InvariantCulture, $";{layer.GetType().FullName} {string.Join(' ', node.Inputs)} {node.Channels}");
        text.Append(CultureInfo.InvariantCulture, $" {layer.IsPointwise} {layer.OutputIsFresh} {trunk.Differentiable.Needs(i)}");
        text.Append(CultureInfo.InvariantCulture, $" {trunk.Work[i]} {trunk.Kind(i)} {trunk.Comparisons[i]} {trunk.WeightBytes[i]}");
        IsWhole &= AxisMapText.Append(text, rows.Map(i)) & AxisMapText.Append(text, columns.Map(i));
        var whole = new Patch(AxisPatch.Of(rows.Map(i), new(0, rows.Length(i))), AxisPatch.Of(columns.Map(i), new(0, columns.Length(i))));
        text.Append(CultureInfo.InvariantCulture, $" {layer.PaddedPositions(whole)} {layer.MemoryOf(whole)}");
    }
}
