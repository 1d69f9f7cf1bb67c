using StreamingCnn.Geometry;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning;

namespace StreamingCnn.Execution.Stages;

/// <summary>Which positions of a stage's outputs have a gradient: of a largest value its place alone.</summary>
internal static class MovedPositions
{
    /// <summary>What the backward pass begins with; null where that is everything.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="incoming">The gradient of each output, null for none.</param>
    /// <param name="quantities">The run's reductions.</param>
    public static WantedOutputs? Of(Stage stage, IReadOnlyList<MapSource?> incoming, IRunQuantities quantities)
    {
        IReadOnlyList<(long Row, long Column)>?[] moved =
        [
            .. stage.Outputs.Select((output, index) => incoming[index] is null ? []
                : output.Map >= 0 ? null
                : quantities.Sums(output.Reduction).Moved(quantities.ResultGradients(output.Reduction))),
        ];
        return Array.TrueForAll(moved, positions => positions is null)
            ? null
            : (output, owned) => moved[output] is { } positions ? Hull(positions, owned) : owned;
    }

    private static Region Hull(IReadOnlyList<(long Row, long Column)> positions, Region owned)
    {
        var hull = default(Region);
        foreach (var (row, column) in positions)
        {
            var position = new Region(new(row, row + 1), new(column, column + 1));
            if (owned.Contains(position))
                hull = hull.Hull(position);
        }

        return hull;
    }
}
