namespace StreamingCnn.Planning;

/// <summary>
/// Which tiles keep their tape from the forward pass, so that the backward pass need not compute them again: the last ones in the order, since
/// the backward pass begins with them and frees their tapes before it comes to the others.
/// </summary>
internal static class KeptTiles
{
    /// <summary>Chooses the tiles.</summary>
    /// <param name="plan">The grid.</param>
    /// <param name="batch">Images in the batch.</param>
    /// <param name="elementSize">Bytes of a value.</param>
    /// <param name="budget">
    /// Bytes that the kept tapes may take. The largest tile's tape is free: that much is needed later anyway, when the kept tapes are gone.
    /// </param>
    public static HashSet<(int Row, int Column)> Choose(GridPlan plan, long batch, int elementSize, long budget)
    {
        var allowed = Math.Max(budget, MemoryModel.LargestTape(plan, batch, elementSize));
        var kept = new HashSet<(int Row, int Column)>();
        foreach (var (row, column) in plan.Order().Reverse())
        {
            allowed -= MemoryModel.Tape(plan, plan.Tile(row, column), batch, elementSize);
            if (allowed < 0)
                break;
            kept.Add((row, column));
        }

        return kept;
    }
}
