using StreamingCnn.Imaging.Maps.Regions;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Finds the connected regions of a map of classes with their outlines, row by row: a region is handed out as soon as its last row has
/// come. Memory holds two rows, and the outlines of regions that are open.
/// </summary>
/// <param name="receiver">Gets each region once, in the order in which they end.</param>
/// <param name="background">Number of the class that is passed over; null for none.</param>
/// <param name="leastArea">Positions of the smallest regions that are handed out.</param>
/// <param name="missing">Number of positions without data, which belong to no region; null for none.</param>
public sealed class RegionTracer(Action<MapRegion> receiver, int? background = 0, double leastArea = 0, int? missing = null) : IClassRows
{
    private List<MapRun> above = [];
    private List<MapRun> below = [];
    private long height;

    /// <inheritdoc/>
    public void Begin(long height, long width)
    {
        this.height = height;
        above.Clear();
        below.Clear();
    }

    /// <inheritdoc/>
    public void Write(long row, ReadOnlySpan<byte> classes) => Write(row, classes, []);

    /// <summary>Takes the next row with a weight for each position, of which regions have the mean.</summary>
    /// <param name="row">Its number, from 0.</param>
    /// <param name="classes">The number of the class of each position.</param>
    /// <param name="weights">The weights; none where there are none.</param>
    public void Write(long row, ReadOnlySpan<byte> classes, ReadOnlySpan<float> weights)
    {
        below.Clear();
        for (var start = 0; start < classes.Length;)
        {
            var number = classes[start];
            var length = classes[start..].IndexOfAnyExcept(number);
            var end = length < 0 ? classes.Length : start + length;
            below.Add(new(start, end, number) { Region = number == background || number == missing ? null : new(number) });
            start = end;
        }

        Connect(row, weights);
        OutlineSweep.Run(above, below, row);
        HandOut(row);
        (above, below) = (below, above);
    }

    /// <inheritdoc/>
    public void Complete()
    {
        below.Clear();
        OutlineSweep.Run(above, below, height);
        HandOut(height);
        above.Clear();
    }

    /// <summary>Gives the runs of the new row to regions of the one above, which may become one by that.</summary>
    private void Connect(long row, ReadOnlySpan<float> weights)
    {
        var i = 0;
        for (var j = 0; j < below.Count; j++)
        {
            var run = below[j];
            if (run.Region is null)
                continue;
            while (i < above.Count && above[i].End <= run.Start)
                i++;
            OpenRegion? region = null;
            for (var other = i; other < above.Count && above[other].Start < run.End; other++)
            {
                if (above[other].Number == run.Number)
                    region = region is null ? above[other].Region!.Found : OpenRegion.Merge(region, above[other].Region!);
            }

            if (region is not null)
                below[j] = run with { Region = region };
            below[j].Region!.Add(row, run.Start, run.End, Sum(weights, run));
        }

        foreach (var run in below)
        {
            if (run.Region is { } region)
                region.Found.LastRow = row;
        }
    }

    private static double Sum(ReadOnlySpan<float> weights, in MapRun run)
    {
        if (weights.IsEmpty)
            return 0;
        var sum = 0.0;
        foreach (var weight in weights[(int)run.Start..(int)run.End])
            sum += weight;
        return sum;
    }

    private void HandOut(long row)
    {
        foreach (var run in above)
        {
            if (run.Region?.Found is not { IsDone: false } region || region.LastRow == row)
                continue;
            region.IsDone = true;
            if (region.Area >= leastArea)
                receiver(region.Complete());
        }
    }
}
