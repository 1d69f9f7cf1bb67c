using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>Divides the tiles of a grid between processes by what each column of tiles takes.</summary>
/// <param name="programs">What the tiles do.</param>
/// <param name="trunk">What it costs.</param>
internal sealed class StripeBalance(TilePrograms programs, TrunkCost trunk)
{
    private readonly ProgramTime time = new(trunk, mapsAnew: false);
    private readonly Dictionary<(int Row, int Column), double> tiles = [];

    // Of each kind of row how many there are.
    private readonly KeyValuePair<int, int>[] rows =
        [.. Enumerable.Range(0, programs.Grid.Rows.Steps).CountBy(row => programs.KindOf((row, 0)).Row)];

    /// <summary>The stripes of which the slowest takes least.</summary>
    /// <param name="count">Number of processes.</param>
    /// <returns>
    /// The stripes, and the time of a step over that of the widest of them by itself: rows of tiles follow each other from process to
    /// process as a wave, which the slowest stripe holds up, and whose heaviest row has to come to the last one.
    /// </returns>
    public (Stripes Stripes, double Time) Of(int count)
    {
        double[] seconds = [.. Enumerable.Range(0, programs.Grid.Columns.Steps).Select(Column)];
        var stripes = Stripes.Balanced(seconds, count);
        var slowest = Enumerable.Range(0, count).Max(rank => Sum(stripes.Of(rank)));
        var fill = (count - 1) * rows.Max(row => Row(row.Key, stripes.Widest));
        return (stripes, (slowest + fill) / Sum(stripes.Widest));

        double Sum(HomeRange columns) => seconds[columns.Start..columns.End].Sum();
    }

    /// <summary>Seconds of a column of tiles, forwards and backwards.</summary>
    private double Column(int column) => rows.Sum(row => row.Value * Tile((row.Key, programs.KindOf((0, column)).Column)));

    /// <summary>Seconds of what a kind of row has in some columns.</summary>
    private double Row(int kind, HomeRange columns) => Enumerable.Range(columns.Start, columns.End - columns.Start)
        .Sum(column => Tile((kind, programs.KindOf((0, column)).Column)));

    private double Tile((int Row, int Column) kind)
    {
        var nodes = programs.Grid.Graph.Nodes.Count;
        if (!tiles.TryGetValue(kind, out var seconds))
            tiles.Add(kind, seconds = time.Of(programs.ForwardOnce(kind, nodes)) + time.Of(programs.BackwardOnce(kind, nodes)));
        return seconds;
    }
}
