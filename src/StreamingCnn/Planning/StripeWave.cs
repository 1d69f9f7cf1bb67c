namespace StreamingCnn.Planning;

/// <summary>
/// How long a pass takes whose rows of tiles follow each other from process to process: a row of a stripe comes behind the one before it
/// and behind the neighbour's same one.
/// </summary>
internal static class StripeWave
{
    /// <summary>Seconds until the last stripe has run its last row.</summary>
    /// <param name="rows">Of each row, in the order in which they run, the seconds that each stripe takes for it by itself, in the order in
    /// which the wave goes through them.</param>
    /// <param name="processors">How many stripes run at once; where more could, all that could run are equally slower.</param>
    public static double Seconds(IReadOnlyList<double[]> rows, int processors) =>
        processors < rows[0].Length ? InTurns(rows, processors) : AtOnce(rows);

    private static double AtOnce(IReadOnlyList<double[]> rows)
    {
        var done = new double[rows[0].Length];
        foreach (var seconds in rows)
        {
            var neighbour = 0.0;
            for (var stripe = 0; stripe < done.Length; stripe++)
                neighbour = done[stripe] = Math.Max(done[stripe], neighbour) + seconds[stripe];
        }

        return done.Max();
    }

    /// <summary>From one end of a row to the next: until then the same stripes run, with the same share of the processors.</summary>
    private static double InTurns(IReadOnlyList<double[]> rows, int processors)
    {
        var at = new int[rows[0].Length];
        double[] left = [.. rows[0]];
        var running = new List<int>(at.Length);
        var now = 0.0;
        while (at[^1] < rows.Count)
        {
            running.Clear();
            for (var stripe = 0; stripe < at.Length; stripe++)
            {
                if (at[stripe] < rows.Count && (stripe == 0 || at[stripe - 1] > at[stripe]))
                    running.Add(stripe);
            }

            var shortest = running.Min(stripe => left[stripe]);
            now += shortest * Math.Max(1, (double)running.Count / processors);
            foreach (var stripe in running)
            {
                left[stripe] -= shortest;
                if (left[stripe] <= 0 && ++at[stripe] < rows.Count)
                    left[stripe] = rows[at[stripe]][stripe];
            }
        }

        return now;
    }
}
