namespace StreamingCnn.Planning;

/// <summary>
/// Bytes of what tiles leave for one another, and of its gradients, while each tile runs. Values of maps that are read when layers are
/// computed again wait for the backward pass; others are freed when no tile to come reads them.
/// </summary>
/// <param name="grid">The grid.</param>
/// <param name="trunk">What is the same for every grid.</param>
internal sealed class CarriedBytes(GridPlan grid, TrunkCost trunk)
{
    private readonly Dictionary<int, (long Forward, long Backward)[]> known = [];
    private readonly Lazy<SeamMemory> seams = new(() => new SeamMemory(grid, trunk.Differentiable.Needs));
    private long[]? gradients;

    /// <summary>While a tile runs, where all tiles keep the records of layers from a node on.</summary>
    /// <param name="tile">The tile's place in the order of tiles.</param>
    /// <param name="keptFrom">The node.</param>
    public (long Forward, long Backward) At(int tile, int keptFrom)
    {
        if (!known.TryGetValue(keptFrom, out var bytes))
            known.Add(keptFrom, bytes = Of(keptFrom));
        return bytes[tile];
    }

    private (long Forward, long Backward)[] Of(int keptFrom)
    {
        if (trunk.Passes != Passes.Both)
            return [.. Forward().Select(bytes => (bytes, 0L))];
        // A tile's late layers have sent gradients before its early ones are computed again.
        gradients ??= [.. seams.Value.Held().Select(held => held.Gradients * trunk.ValueBytes)];
        if (trunk.CarryIsElsewhere)
        {
            var onTheWay = seams.Value.OnTheWay(trunk.ValueBytes);
            return [.. new SeamResidence(grid).AtHand().Zip(gradients).Select(held => (
                (held.First.Forward * trunk.ValueBytes) + onTheWay,
                (Math.Max(held.First.Recomputing, held.First.Reversing) * trunk.ValueBytes) + held.Second + onTheWay))];
        }

        var again = seams.Value.Held(map => grid.IsReadBefore(map, keptFrom));
        var once = seams.Value.Held(map => !grid.IsReadBefore(map, keptFrom));
        return [.. again.Zip(once, gradients).Select(held => (
            (held.First.Stored + held.Second.Forward) * trunk.ValueBytes,
            (held.First.Values * trunk.ValueBytes) + held.Third))];
    }

    /// <summary>Without a backward pass, whose gradients are not there: what later tiles read.</summary>
    private IEnumerable<long> Forward() => trunk.CarryIsElsewhere
        ? new SeamResidence(grid).AtHand().Select(held => (held.Forward * trunk.ValueBytes) + seams.Value.OnTheWay(trunk.ValueBytes))
        : seams.Value.Held().Select(held => held.Forward * trunk.ValueBytes);
}
