namespace StreamingCnn.Planning;

/// <summary>How much goes to one process in the forward pass of a step that several share; as much goes back of gradients.</summary>
/// <param name="Row">Bytes of a row of tiles, the most of any.</param>
/// <param name="Pass">Bytes of all rows.</param>
internal readonly record struct StripeMessages(long Row, long Pass)
{
    /// <summary>The most that goes to any process.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="valueBytes">Bytes of a value in every image of the batch.</param>
    public static StripeMessages Of(StepPlan plan, long valueBytes)
    {
        if (plan.Shared is not { Stripes: var stripes })
            return default;
        var traffic = new SeamTraffic(plan.Grid, stripes);
        var most = default(StripeMessages);
        for (var to = 1; to < stripes.Count; to++)
        {
            int[] neighbours = [.. Enumerable.Range(0, to).Where(from => traffic.Reads(from, to))];
            long[] rows = [.. Enumerable.Range(0, plan.Grid.Rows.Steps).Select(row => neighbours.Sum(from =>
                traffic.Of(row, from, to).Sum(strip => strip.Channels * strip.Piece.Region.Area * valueBytes)))];
            most = new(Math.Max(most.Row, rows.Max()), Math.Max(most.Pass, rows.Sum()));
        }

        return most;
    }
}
