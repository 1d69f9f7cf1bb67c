namespace StreamingCnn.Planning;

/// <summary>
/// Stripes of tile columns, one for each process that works on an image, from left to right. Where there are more processes than columns,
/// some have none.
/// </summary>
internal sealed class Stripes
{
    private const int Halvings = 50;

    private readonly int[] borders;

    private Stripes(int[] borders) => this.borders = borders;

    /// <summary>Number of processes.</summary>
    public int Count => borders.Length - 1;

    /// <summary>The first column of each stripe, and the number of columns.</summary>
    public IReadOnlyList<int> Borders => borders;

    /// <summary>The columns of tiles that a process runs.</summary>
    public HomeRange Of(int rank) => new(borders[rank], borders[rank + 1]);

    /// <summary>The most columns that a process runs.</summary>
    public HomeRange Widest => Enumerable.Range(0, Count).Select(Of).MaxBy(stripe => stripe.End - stripe.Start);

    /// <summary>The stripes of which the heaviest weighs least.</summary>
    /// <param name="work">What each column of tiles weighs; none less than 0.</param>
    /// <param name="count">Number of processes, at least 1.</param>
    public static Stripes Balanced(IReadOnlyList<double> work, int count)
    {
        var before = new double[work.Count + 1];
        for (var column = 0; column < work.Count; column++)
            before[column + 1] = before[column] + work[column];

        // Columns go to the first stripe as long as it stays within a limit, then to the next; the least limit that suffices is sought.
        var (low, high) = (work.Max(), before[^1]);
        if (Divided(low) is { } least)
            return new(least);
        for (var step = 0; step < Halvings; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = Divided(middle) is null ? (middle, high) : (low, middle);
        }

        return new(Divided(high)!);

        int[]? Divided(double limit)
        {
            var borders = new int[count + 1];
            for (var stripe = 0; stripe < count; stripe++)
            {
                var (first, next) = (borders[stripe], borders[stripe]);
                while (next < work.Count && before[next + 1] - before[first] <= limit)
                    next++;
                borders[stripe + 1] = next;
            }

            return borders[count] == work.Count ? borders : null;
        }
    }
}
