namespace StreamingCnn.Planning;

/// <summary>
/// How long the seams of a map live, in any order of tiles. What reads a seam lies in a rectangle of tiles; whatever the order, the
/// rectangle's first and last corner come before and after all others of it. Of a process that runs some columns of tiles alone the
/// rectangle is the part in these columns; what others alone read goes with the last of them.
/// </summary>
/// <param name="carry">What is carried of the map.</param>
internal sealed class SeamLives(CarryPlan carry)
{
    private readonly Groups lastRows = new(carry.Rows.LastReader);
    private readonly Groups lastColumns = new(carry.InStripe(carry.Columns.LastReader));
    private readonly Groups nextRows = new(carry.Rows.NextReader);
    private readonly Groups nextColumns = new(carry.InStripe(carry.Columns.NextReader));
    private readonly Groups firstRows = new(carry.Rows.FirstReader);
    private readonly Groups firstColumns = new(carry.InStripe(carry.Columns.FirstReader));

    /// <summary>The seams that no tile behind this one reads, and which it or one before it may read.</summary>
    public IEnumerable<SeamKey> LastReadBy(int row, int column) => Seams(row, column, lastRows, lastColumns, lastRows, lastColumns);

    /// <summary>The seams that no tile before this one reads, and which it or one behind it may read.</summary>
    public IEnumerable<SeamKey> FirstReadBy(int row, int column) => Seams(row, column, nextRows, nextColumns, firstRows, firstColumns);

    private IEnumerable<SeamKey> Seams(int row, int column, Groups belowRows, Groups besideColumns, Groups rows, Groups columns)
    {
        // A bottom edge is read from below, over all columns; a right edge along its own row of tiles.
        foreach (var i in belowRows[row])
        {
            foreach (var j in columns[column])
            {
                if (carry.Seam(TileEdge.Bottom, i, j) is { } bottom)
                    yield return bottom;
            }
        }

        foreach (var j in besideColumns[column])
        {
            if (carry.Seam(TileEdge.Right, row, j) is { } right)
                yield return right;
        }

        if (!carry.KeepsWhole)
            yield break;
        foreach (var i in rows[row])
        {
            foreach (var j in columns[column])
            {
                if (carry.Seam(TileEdge.Whole, i, j) is { } whole)
                    yield return whole;
            }
        }
    }

    /// <summary>The steps that name each step.</summary>
    private sealed class Groups
    {
        private readonly int[] steps;
        private readonly int[] starts;

        public Groups(int[] named)
        {
            starts = new int[named.Length + 1];
            foreach (var name in named)
            {
                if (name >= 0)
                    starts[name + 1]++;
            }

            for (var step = 0; step < named.Length; step++)
                starts[step + 1] += starts[step];
            steps = new int[named.Length];
            var next = starts.AsSpan(0, named.Length).ToArray();
            for (var step = 0; step < named.Length; step++)
            {
                if (named[step] >= 0)
                    steps[next[named[step]]++] = step;
            }
        }

        public ArraySegment<int> this[int step] => new(steps, starts[step], starts[step + 1] - starts[step]);
    }
}
