using StreamingCnn.Graph;
using StreamingCnn.Planning.Stages;

namespace StreamingCnn.Planning;

/// <summary>
/// What is the same for every way to tile the sources: the trunk's parameters, which layers learn, and the type of the computation.
/// </summary>
internal sealed class TrunkCost
{
    private readonly WorkKind[] kinds;

    /// <param name="graph">The network.</param>
    /// <param name="wanted">For each source whether its gradient is wanted.</param>
    /// <param name="batch">Images in the batch.</param>
    /// <param name="elementSize">Bytes of a value.</param>
    /// <param name="rates">The machine.</param>
    /// <param name="carryIsElsewhere">Whether of the carry just what a tile needs is in the memory that is counted.</param>
    public TrunkCost(
        NetworkGraph graph, IReadOnlyList<bool> wanted, long batch, int elementSize, ComputeRates rates, bool carryIsElsewhere = false)
    {
        Graph = graph;
        CarryIsElsewhere = carryIsElsewhere;
        Differentiable = new DifferentiablePart(graph, wanted);
        Batch = batch;
        (ElementSize, SourceElementSize) = (elementSize, elementSize);
        Rates = rates;
        ParameterBytes = graph.ParameterBytes;
        GradientBytes = graph.GradientBytes;
        RunBytes = graph.Layers.Sum(node => node.Layer!.RunBytes);
        Work = [.. graph.Nodes.Select(node => node.Layer?.WorkPerPosition ?? 0)];
        kinds = [.. graph.Nodes.Select(node => node.Layer?.WorkKind ?? default)];
        WorkRates = Array.ConvertAll(kinds, kind => rates.Work[kind]);
        Comparisons = [.. graph.Nodes.Select(node => node.Layer?.ComparisonsPerPosition * node.Channels ?? 0)];
        WeightBytes = [.. graph.Nodes.Select(node => node.Layer?.WeightBytes ?? 0)];
    }

    private TrunkCost(TrunkCost other, ComputeRates rates)
    {
        Passes = other.Passes;
        (Graph, Differentiable, Batch, CarryIsElsewhere) = (other.Graph, other.Differentiable, other.Batch, other.CarryIsElsewhere);
        (ElementSize, SourceElementSize) = (other.ElementSize, other.SourceElementSize);
        (GradientBytes, RunBytes, Stage) = (other.GradientBytes, other.RunBytes, other.Stage);
        (ParameterBytes, Work, Comparisons, WeightBytes) = (other.ParameterBytes, other.Work, other.Comparisons, other.WeightBytes);
        (Rates, kinds) = (rates, other.kinds);
        WorkRates = Array.ConvertAll(kinds, kind => rates.Work[kind]);
    }

    /// <summary>The network.</summary>
    public NetworkGraph Graph { get; }

    /// <summary>Which layers have a backward pass.</summary>
    public DifferentiablePart Differentiable { get; }

    /// <summary>Images in the batch.</summary>
    public long Batch { get; }

    /// <summary>Bytes of a value.</summary>
    public int ElementSize { get; }

    /// <summary>Bytes of a source's value.</summary>
    public int SourceElementSize { get; init; }

    /// <summary>Bytes of a value in every image of the batch.</summary>
    public long ValueBytes => Batch * ElementSize;

    /// <summary>
    /// Bytes of a source's value in every image of the batch: sources have the type of the computation, which is not narrower than that
    /// of maps.
    /// </summary>
    public long SourceValueBytes => Batch * SourceElementSize;

    /// <summary>The machine.</summary>
    public ComputeRates Rates { get; }

    /// <summary>Whether of the carry just what a tile needs is in the memory that is counted.</summary>
    public bool CarryIsElsewhere { get; }

    /// <summary>What runs.</summary>
    public Passes Passes { get; private init; }

    /// <summary>Bytes of the parameters, and of the gradients of those that learn where there is a backward pass.</summary>
    public long ParameterBytes { get; private init; }

    /// <summary>Bytes of the gradients of those that learn; 0 without a backward pass.</summary>
    public long GradientBytes { get; private init; }

    /// <summary>Bytes that a run makes of the parameters and holds until its end.</summary>
    public long RunBytes { get; }

    /// <summary>Of each node, the multiplications and additions for a position of its map.</summary>
    public IReadOnlyList<double> Work { get; }

    /// <summary>The kind of a node's work.</summary>
    public WorkKind Kind(int node) => kinds[node];

    /// <summary>Whether a node is a convolution of all its channels.</summary>
    public bool IsConvolution(int node) => Work[node] > 0 && kinds[node] is (WorkKind.Convolution or WorkKind.ImageConvolution);

    /// <summary>Of each node, how fast that work is.</summary>
    public IReadOnlyList<WorkRate> WorkRates { get; }

    /// <summary>Of each node, the values compared for a position of its map, all channels together.</summary>
    public IReadOnlyList<double> Comparisons { get; }

    /// <summary>Bytes of each node's parameters.</summary>
    public IReadOnlyList<long> WeightBytes { get; }

    /// <summary>What there is besides, where the network is a stage of another; null where it is not.</summary>
    public StageCost? Stage { get; private init; }

    /// <summary>The same as a stage of another network.</summary>
    public TrunkCost In(StageCost stage) => new(this, Rates) { Stage = stage };

    /// <summary>The same for other passes than both.</summary>
    public TrunkCost For(Passes passes) => passes == Passes.Both
        ? this
        : new(this, Rates) { Passes = passes, ParameterBytes = ParameterBytes - GradientBytes, GradientBytes = 0 };

    /// <summary>The same on another machine.</summary>
    public TrunkCost At(ComputeRates rates) => new(this, rates);
}
