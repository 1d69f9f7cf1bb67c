namespace StreamingCnn.Training.Saliency;

/// <summary>The parts of a grid whose cells reach a threshold and touch by their sides, and their outlines.</summary>
internal sealed class ConnectedComponents
{
    private const int Cold = -1;

    // The sides of a cell, clockwise from the top: the way along each, the way out of the cell, and its first corner.
    private static readonly (int Y, int X)[] Along = [(0, 1), (1, 0), (0, -1), (-1, 0)];
    private static readonly (int Y, int X)[] Outward = [(-1, 0), (0, 1), (1, 0), (0, -1)];
    private static readonly (int Y, int X)[] Corner = [(0, 0), (0, 1), (1, 1), (1, 0)];

    private readonly HeatGrid grid;
    private readonly int[] labels;
    private readonly List<(double Sum, long Cells, float Largest)> statistics = [];

    /// <param name="grid">The grid.</param>
    /// <param name="threshold">The least value of a hot cell.</param>
    public ConnectedComponents(HeatGrid grid, float threshold)
    {
        this.grid = grid;
        labels = new int[grid.Values.Length];
        Array.Fill(labels, Cold);
        var open = new Stack<int>();
        for (var start = 0; start < labels.Length; start++)
        {
            if (labels[start] == Cold && grid.Values[start] >= threshold)
                statistics.Add(Fill(start, threshold, open));
        }
    }

    /// <summary>How many there are.</summary>
    public int Count => statistics.Count;

    /// <summary>Mean over the cells of a component.</summary>
    public double Mean(int component) => statistics[component].Sum / statistics[component].Cells;

    /// <summary>The largest value of a component.</summary>
    public double Largest(int component) => statistics[component].Largest;

    /// <summary>
    /// Every outline, of components (clockwise as seen, y pointing down) and of the holes in them (the other way round): the corners where
    /// it turns. Each ring has a cell whose top side is part of it, so walks from all such sides find all.
    /// </summary>
    public IEnumerable<(int Component, List<(long X, long Y)> Corners)> Rings()
    {
        var walked = new bool[labels.Length];
        for (var y = 0; y < grid.Height; y++)
        {
            for (var x = 0; x < grid.Width; x++)
            {
                if (At(y, x) != Cold && At(y - 1, x) == Cold && !walked[(y * grid.Width) + x])
                    yield return (At(y, x), Walk(y, x, walked));
            }
        }
    }

    private List<(long X, long Y)> Walk(int startY, int startX, bool[] walked)
    {
        var corners = new List<(long X, long Y)>();
        var (y, x, side, before) = (startY, startX, 0, -1);
        do
        {
            if (side == 0)
                walked[(y * grid.Width) + x] = true;
            if (side != before)
                corners.Add((x + Corner[side].X, y + Corner[side].Y));
            before = side;
            var (ahead, aside) =
                (
                    (Y: y + Along[side].Y, X: x + Along[side].X),
                    (Y: y + Along[side].Y + Outward[side].Y, X: x + Along[side].X + Outward[side].X));
            if (At(ahead.Y, ahead.X) == Cold)
                side = (side + 1) % 4;
            else if (At(aside.Y, aside.X) == Cold)
                (y, x) = ahead;
            else
                (y, x, side) = (aside.Y, aside.X, (side + 3) % 4);
        }
        while ((y, x, side) != (startY, startX, 0));

        // The walk may have begun in the middle of a straight line.
        if (before == 0)
            corners.RemoveAt(0);
        return corners;
    }

    private int At(int y, int x) => y < 0 || x < 0 || y >= grid.Height || x >= grid.Width ? Cold : labels[(y * grid.Width) + x];

    private (double Sum, long Cells, float Largest) Fill(int start, float threshold, Stack<int> open)
    {
        double sum = 0;
        long cells = 0;
        var largest = float.NegativeInfinity;
        labels[start] = statistics.Count;
        open.Push(start);
        while (open.TryPop(out var cell))
        {
            var value = grid.Values[cell];
            (sum, cells, largest) = (sum + value, cells + 1, Math.Max(largest, value));
            var (y, x) = (cell / grid.Width, cell % grid.Width);
            foreach (var (dy, dx) in Outward)
            {
                var (nextY, nextX) = (y + dy, x + dx);
                if (nextY < 0 || nextX < 0 || nextY >= grid.Height || nextX >= grid.Width)
                    continue;
                var next = (nextY * grid.Width) + nextX;
                if (labels[next] != Cold || grid.Values[next] < threshold)
                    continue;
                labels[next] = statistics.Count;
                open.Push(next);
            }
        }

        return (sum, cells, largest);
    }
}
