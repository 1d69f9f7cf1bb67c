namespace StreamingCnn.Planning.Stages;

/// <summary>Bytes of the maps that wait between stages, and of their gradients.</summary>
/// <param name="stages">The stages.</param>
/// <param name="valueBytes">Bytes of a map's value in every image of the batch.</param>
/// <param name="gradientBytes">The same of its gradient.</param>
internal sealed class BoundaryBytes(SizedStages stages, long valueBytes, long gradientBytes)
{
    /// <summary>
    /// While a stage runs backwards: those that it or one before it has made, and gradients that it or one behind it gives. Forwards there
    /// are fewer.
    /// </summary>
    public (long Maps, long Gradients) At(int stage)
    {
        long maps = 0, gradients = 0;
        foreach (var map in stages.Boundaries.Where(map => stages.Network.StageOf(map) <= stage))
        {
            maps += stages.Values(map) * valueBytes;
            if (stages.LastReader(map) >= stage && stages.Network.Differentiable.NeedsMap(map))
                gradients += stages.Values(map) * gradientBytes;
        }

        return (maps, gradients);
    }

    /// <summary>The most at a time in a step.</summary>
    public long Most => Enumerable.Range(0, stages.Stages.Count).Max(stage => At(stage).Maps + At(stage).Gradients);

    /// <summary>The most at a time in a forward pass that nothing follows: a map is freed when its last reader is done.</summary>
    public long MostForward => Enumerable.Range(0, stages.Stages.Count).Max(ForwardAt);

    /// <summary>While a stage runs in such a pass.</summary>
    public long ForwardAt(int stage) => stages.Boundaries
        .Where(map => stages.Network.StageOf(map) <= stage && stages.LastReader(map) >= stage)
        .Sum(map => stages.Values(map) * valueBytes);

    /// <summary>Bytes that a stage reads and writes where maps wait, in both passes.</summary>
    public long Traffic(int stage)
    {
        long bytes = 0;
        var (all, network) = (stages.Stages, stages.Network);
        foreach (var map in all[stage].Sources.Where(map => network.IsBoundary(map)))
        {
            // Read in both passes; its gradient is written, and read as well where another stage has written before.
            bytes += 2 * stages.Values(map) * valueBytes;
            if (network.Differentiable.NeedsMap(map))
                bytes += (stages.LastReader(map) == stage ? 1 : 2) * stages.Values(map) * gradientBytes;
        }

        foreach (var output in all[stage].Outputs.Where(output => output.IsBoundary))
        {
            bytes += (output.Taps.Count > 0 ? 2 : 1) * stages.Values(output.Map) * valueBytes;
            if (network.Differentiable.NeedsMap(output.Map))
                bytes += stages.Values(output.Map) * gradientBytes;
        }

        return bytes;
    }
}
