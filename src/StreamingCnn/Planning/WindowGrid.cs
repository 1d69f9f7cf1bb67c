using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>An image cut into overlapping windows for a module that the engine cannot see into.</summary>
/// <param name="rows">The module along the rows.</param>
/// <param name="columns">The module along the columns.</param>
/// <param name="tile">Size of a tile in image pixels.</param>
/// <param name="image">Size of the image.</param>
internal sealed class WindowGrid(
    WindowGeometry rows, WindowGeometry columns, (long Height, long Width) tile, (long Height, long Width) image)
{
    // Of the pixels of all windows, those of windows that check the others.
    private const double ShareOfChecks = 0.03;

    private readonly (int Rows, int Columns) steps = (rows.Steps(tile.Height, image.Height), columns.Steps(tile.Width, image.Width));

    /// <summary>All outputs.</summary>
    public Region Outputs { get; } = Region.Whole(rows.OutputLength(image.Height), columns.OutputLength(image.Width));

    /// <summary>Number of tiles.</summary>
    public int Count => steps.Rows * steps.Columns;

    /// <summary>The pixels from which outputs are computed.</summary>
    public Region Window(Region outputs) => new(rows.Window(outputs.Rows, image.Height), columns.Window(outputs.Columns, image.Width));

    /// <summary>The outputs that the module makes of a window, right and wrong ones.</summary>
    public Region Made(Region window) => new(Made(rows, window.Rows), Made(columns, window.Columns));

    /// <summary>
    /// For each tile that has outputs those that it answers for, and a line of them that it computes besides, though the tile above has
    /// done so; in the first row, the one to the left. The lines tie all tiles together.
    /// </summary>
    public IEnumerable<(Region Owned, Region Shared)> Tiles()
    {
        for (var row = 0; row < steps.Rows; row++)
        {
            for (var column = 0; column < steps.Columns; column++)
            {
                var owned = Owned(row, column);
                if (owned.IsEmpty)
                    continue;
                var (top, left) = (owned.Rows.Start, owned.Columns.Start);
                var shared = top > 0 ? owned with { Rows = new(top - 1, top) }
                    : left > 0 ? owned with { Columns = new(left - 1, left) }
                    : default;
                yield return (owned, shared);
            }
        }
    }

    /// <summary>
    /// Outputs around corners where tiles meet, spread over the image: what small windows make of them tells whether a window's size
    /// matters. Each with the first row of the tile at whose corner it lies.
    /// </summary>
    public IEnumerable<(long Edge, Region Place)> Checks()
    {
        if (Count < 2 || Outputs.IsEmpty)
            yield break;
        var allowed = ShareOfChecks * Tiles().Sum(tile => (double)Window(tile.Owned).Area);
        for (var number = 1; number <= Count; number++)
        {
            // Multiples of two irrational numbers fill a square evenly.
            var owned = Owned((int)(number * 0.7549 % 1 * steps.Rows), (int)(number * 0.5698 % 1 * steps.Columns));
            if (owned.IsEmpty)
                continue;
            var place = new Region(Around(owned.Rows.Start), Around(owned.Columns.Start)).Intersect(Outputs);
            allowed -= Window(place).Area;
            if (allowed < 0)
                yield break;
            yield return (owned.Rows.Start, place);
        }
    }

    private static Interval Around(long output) => new(output - 1, output + 1);

    private static Interval Made(WindowGeometry axis, Interval window) =>
        new(axis.FirstOutput(window), axis.FirstOutput(window) + axis.OutputLength(window.Length));

    private Region Owned(int row, int column) =>
        new(rows.Owned(row, tile.Height, image.Height), columns.Owned(column, tile.Width, image.Width));
}
