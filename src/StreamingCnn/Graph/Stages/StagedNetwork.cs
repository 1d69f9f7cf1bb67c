namespace StreamingCnn.Graph.Stages;

/// <summary>
/// A network with global quantities, cut into stages. The stage of a map is the largest number of reductions on a way to it; small tensors
/// belong to the first stage behind all their reductions.
/// </summary>
/// <remarks>
/// A map that later stages read is a boundary map and waits on a shelf, unless it follows position by position from one that waits
/// anyhow: then it is computed again there, which costs little and reads nothing more. Any other choice of maps that wait is right, too:
/// what does not wait is computed again from what does, down to the network's sources.
/// </remarks>
internal sealed class StagedNetwork
{
    private readonly ReachedPart reached;
    private readonly int[] mapStages;
    private readonly int[] smallStages;
    private readonly int[] reductionStages;
    private readonly bool[] isBoundary;
    private readonly bool[] isOutput;

    /// <param name="network">The network.</param>
    /// <param name="wanted">For each source whether its gradient is wanted.</param>
    /// <param name="waiting">Maps that may wait, where they are chosen; null for those that later stages read.</param>
    public StagedNetwork(TracedNetwork network, IReadOnlyList<bool> wanted, IReadOnlySet<int>? waiting = null)
    {
        (Network, Wanted, Waiting) = (network, wanted, waiting);
        Differentiable = new GlobalDifferentiablePart(network, wanted);
        reached = new ReachedPart(network);
        mapStages = new int[network.Maps.Count];
        smallStages = new int[network.Smalls.Count];
        reductionStages = new int[network.Reductions.Count];
        isOutput = new bool[network.Maps.Count];
        foreach (var output in network.Outputs.Where(output => !output.IsSmall))
            isOutput[output.Index] = true;
        Number();
        // What is not reached has the number 0.
        var count = 1 + Math.Max(mapStages.Max(), reductionStages.DefaultIfEmpty().Max());
        isBoundary = waiting is null ? Boundaries() : Boundaries(waiting, count);
        Stages = [.. Enumerable.Range(0, count).Select(Make)];
        SmallsBehind = [.. Functions(stage => stage >= count)];
    }

    /// <summary>The network.</summary>
    public TracedNetwork Network { get; }

    /// <summary>For each source whether its gradient is wanted.</summary>
    public IReadOnlyList<bool> Wanted { get; }

    /// <summary>Maps that may wait, where they were chosen; null for those that later stages read.</summary>
    public IReadOnlySet<int>? Waiting { get; }

    /// <summary>What needs a gradient.</summary>
    public GlobalDifferentiablePart Differentiable { get; }

    /// <summary>The stages in their order.</summary>
    public IReadOnlyList<Stage> Stages { get; }

    /// <summary>Indices of the functions of small tensors that are evaluated behind the last stage.</summary>
    public IReadOnlyList<int> SmallsBehind { get; }

    /// <summary>Whether a map waits for later stages.</summary>
    public bool IsBoundary(int map) => isBoundary[map];

    /// <summary>The stage that makes a map.</summary>
    public int StageOf(int map) => mapStages[map];

    private void Number()
    {
        foreach (var (kind, index) in Network.Steps)
        {
            switch (kind)
            {
                case TracedKind.Map when reached.HasMap(index):
                    var node = Network.Maps[index];
                    mapStages[index] = node.Needs.Select(input => mapStages[input])
                        .Concat(SmallsOf(node).Select(small => smallStages[small])).DefaultIfEmpty().Max();
                    break;
                case TracedKind.Reduction when reached.HasReduction(index):
                    reductionStages[index] = Network.Reductions[index].Operands.Max(operand => mapStages[operand]);
                    break;
                case TracedKind.Small when reached.HasSmall(index):
                    var small = Network.Smalls[index];
                    smallStages[index] = small.Function is null
                        ? reductionStages[small.Reduction] + 1
                        : small.Inputs.Select(input => smallStages[input]).DefaultIfEmpty().Max();
                    break;
            }
        }
    }

    private static int[] SmallsOf(GraphNode node) => (node.Layer as OperandLayer)?.Smalls ?? [];

    /// <summary>The maps that wait: forwards, so that what they follow from is decided.</summary>
    private bool[] Boundaries()
    {
        var maps = Network.Maps;
        var crosses = new bool[maps.Count];
        foreach (var node in maps.Where(node => reached.HasMap(node.Index)))
        {
            foreach (var input in node.Needs)
                crosses[input] |= mapStages[input] < mapStages[node.Index];
        }

        foreach (var reduction in Network.Reductions.Where(reduction => reached.HasReduction(reduction.Index)))
        {
            foreach (var operand in reduction.Operands)
                crosses[operand] |= mapStages[operand] < reductionStages[reduction.Index];
        }

        var waits = new bool[maps.Count];
        // Those that follow from none other first: what they are decides about the rest.
        foreach (var node in maps.Where(node => crosses[node.Index] && !node.IsSource && !Follows(node)))
            waits[node.Index] = true;
        foreach (var node in maps.Where(node => crosses[node.Index] && !node.IsSource && Follows(node)))
            waits[node.Index] = !FollowsFromWaiting(node.Index);
        return waits;

        bool FollowsFromWaiting(int map)
        {
            while (!waits[map] && Follows(maps[map]))
                map = maps[map].Inputs[0];
            return waits[map] || maps[map].IsSource;
        }
    }

    /// <summary>Of the maps that may wait those that a later stage comes upon, which computes the rest again.</summary>
    private bool[] Boundaries(IReadOnlySet<int> waiting, int stages)
    {
        var waits = new bool[Network.Maps.Count];
        for (var stage = stages - 1; stage > 0; stage--)
        {
            var seen = new HashSet<int>();
            foreach (var node in Network.Maps.Where(node => mapStages[node.Index] == stage && (isOutput[node.Index] || waits[node.Index])))
                Look(node.Index);
            foreach (var operand in Network.Reductions
                .Where(reduction => reached.HasReduction(reduction.Index) && reductionStages[reduction.Index] == stage)
                .SelectMany(reduction => reduction.Operands))
            {
                Look(operand);
            }

            void Look(int map)
            {
                if (Network.Maps[map].IsSource || !seen.Add(map))
                    return;
                if (mapStages[map] < stage && waiting.Contains(map))
                {
                    waits[map] = true;
                    return;
                }

                foreach (var input in Network.Maps[map].Inputs)
                    Look(input);
            }
        }

        return waits;
    }

    /// <summary>Whether a map follows from one other position by position.</summary>
    private static bool Follows(GraphNode node) => node is { Layer.IsPointwise: true, Inputs.Length: 1 };

    private IEnumerable<int> Functions(Func<int, bool> isOf) => Network.Smalls
        .Where(small => small.Function is not null && reached.HasSmall(small.Index) && isOf(smallStages[small.Index]))
        .Select(small => small.Index);

    private Stage Make(int stage)
    {
        var nodes = new List<GraphNode>();
        var places = new Dictionary<int, int>();
        var sources = new List<int>();
        var wanted = Network.Maps
            .Where(node => !node.IsSource && mapStages[node.Index] == stage && (isOutput[node.Index] || isBoundary[node.Index]))
            .Select(node => node.Index).ToArray();
        var completed = Network.Reductions
            .Where(reduction => reached.HasReduction(reduction.Index) && reductionStages[reduction.Index] == stage).ToArray();
        var taps = completed.Where(reduction => reduction.Operands is [var only] && isBoundary[only] && mapStages[only] == stage)
            .ToLookup(reduction => reduction.Operands[0], reduction => reduction.Index);
        var standing = completed.Where(reduction => !taps.SelectMany(tap => tap).Contains(reduction.Index)).ToArray();

        // Sources stand first; which they are shows while the rest is looked through.
        foreach (var map in wanted.Concat(standing.SelectMany(reduction => reduction.Operands)))
            FindSources(map);
        foreach (var source in sources)
        {
            places[source] = nodes.Count;
            nodes.Add(
                Network.Maps[source] with { Index = nodes.Count, Layer = null, Inputs = [], SizeOf = -1, IsStored = isBoundary[source] });
        }

        var outputs = new List<StageOutput>();
        var indices = new List<int>();
        foreach (var map in wanted)
        {
            indices.Add(Place(map));
            outputs.Add(new(map)
            {
                IsBoundary = isBoundary[map],
                Taps = [.. taps[map]],
                NetworkOutputs =
                [
                    .. Network.Outputs.Index()
                        .Where(output => !output.Item.IsSmall && output.Item.Index == map).Select(output => output.Index),
                ],
            });
        }

        foreach (var reduction in standing)
        {
            var operands = Array.ConvertAll(reduction.Operands, Place);
            indices.Add(nodes.Count);
            nodes.Add(new(nodes.Count, new ReductionLayer(reduction), operands, 0, reduction.Path));
            outputs.Add(new(-1) { Reduction = reduction.Index });
        }

        // In the order of the trace: of what is read by several, the first comes first.
        return new Stage(
            stage,
            indices.Count > 0 ? new NetworkGraph(nodes, indices) : null,
            sources,
            outputs,
            [.. Functions(of => of == stage)],
            [.. completed.Select(reduction => reduction.Index)]);

        void FindSources(int map)
        {
            if (IsSourceIn(map, stage))
            {
                if (!sources.Contains(map))
                    sources.Add(map);
                return;
            }

            if (!places.TryAdd(map, -1))
                return;
            foreach (var input in Network.Maps[map].Needs)
                FindSources(input);
        }

        int Place(int map)
        {
            if (places.GetValueOrDefault(map, -1) is >= 0 and var known)
                return known;
            var node = Network.Maps[map];
            var inputs = Array.ConvertAll(node.Inputs, Place);
            var sizeOf = node.SizeOf < 0 ? -1 : Place(node.SizeOf);
            var layer = node.Layer is OperandLayer operand
                ? operand.With(Array.ConvertAll(operand.Smalls, Differentiable.NeedsSmall))
                : node.Layer;
            places[map] = nodes.Count;
            nodes.Add(node with { Index = nodes.Count, Inputs = inputs, SizeOf = sizeOf, Layer = layer, Key = map });
            return places[map];
        }
    }

    /// <summary>Whether a stage reads a map from elsewhere.</summary>
    private bool IsSourceIn(int map, int stage) => Network.Maps[map].IsSource || (isBoundary[map] && mapStages[map] < stage);
}
