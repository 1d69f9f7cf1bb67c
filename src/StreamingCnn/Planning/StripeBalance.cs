using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>Divides the tiles of a grid between processes by what each column of tiles takes.</summary>
/// <param name="programs">What the tiles do.</param>
/// <param name="trunk">What it costs.</param>
internal sealed class StripeBalance(TilePrograms programs, TrunkCost trunk)
{
    private readonly ProgramTime time = new(trunk, mapsAnew: false);
    private readonly Dictionary<(int Row, int Column), (double Forward, double Backward)> tiles = [];

    // Of each row of tiles its kind.
    private readonly int[] rows = [.. Enumerable.Range(0, programs.Grid.Rows.Steps).Select(row => programs.KindOf((row, 0)).Row)];

    /// <summary>The stripes of which the slowest takes least.</summary>
    /// <param name="count">Number of processes.</param>
    /// <param name="processors">How many of them compute at once.</param>
    /// <returns>
    /// The stripes, and the time of a step over that of the widest of them by itself: rows of tiles follow each other from process to
    /// process as a wave, forwards from the first one and backwards from the last, and each waits for its neighbour's.
    /// </returns>
    public (Stripes Stripes, double Time) Of(int count, int processors)
    {
        var kinds = rows.CountBy(kind => kind).ToArray();
        double[] seconds = [.. Enumerable.Range(0, programs.Grid.Columns.Steps).Select(Column)];
        var stripes = Stripes.Balanced(seconds, count);
        HomeRange[] columns = [.. Enumerable.Range(0, count).Select(stripes.Of)];
        var forward = Wave(columns, rows, tile => tile.Forward, processors);
        var backward = Wave(columns.Reverse(), rows.Reverse(), tile => tile.Backward, processors);
        return (stripes, (forward + backward) / seconds[stripes.Widest.Start..stripes.Widest.End].Sum());

        double Column(int column) => kinds.Sum(kind => kind.Value * Both(Tile(kind.Key, column)));

        static double Both((double Forward, double Backward) tile) => tile.Forward + tile.Backward;
    }

    private double Wave(
        IEnumerable<HomeRange> stripes, IEnumerable<int> order, Func<(double Forward, double Backward), double> secondsOf, int processors)
    {
        var known = new Dictionary<int, double[]>();
        HomeRange[] all = [.. stripes];
        return StripeWave.Seconds([.. order.Select(Row)], processors);

        double[] Row(int kind)
        {
            if (!known.TryGetValue(kind, out var seconds))
                known.Add(kind, seconds = Array.ConvertAll(all, columns => Stripe(kind, columns)));
            return seconds;
        }

        double Stripe(int kind, HomeRange columns) =>
            Enumerable.Range(columns.Start, columns.End - columns.Start).Sum(column => secondsOf(Tile(kind, column)));
    }

    private (double Forward, double Backward) Tile(int rowKind, int column)
    {
        (int Row, int Column) kind = (rowKind, programs.KindOf((0, column)).Column);
        var nodes = programs.Grid.Graph.Nodes.Count;
        if (!tiles.TryGetValue(kind, out var seconds))
            tiles.Add(kind, seconds = (time.Of(programs.ForwardOnce(kind, nodes)), time.Of(programs.BackwardOnce(kind, nodes))));
        return seconds;
    }
}
