using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>What is the same for every way to tile an image: the trunk's parameters, which layers learn, and the type of the computation.</summary>
internal sealed class TrunkCost
{
    public TrunkCost(NetworkGraph graph, bool imageWanted, long batch, int elementSize, ComputeRates rates)
    {
        Differentiable = new DifferentiablePart(graph, imageWanted);
        Batch = batch;
        ElementSize = elementSize;
        Rates = rates;
        ParameterBytes = graph.ParameterBytes;
        Work = [.. graph.Nodes.Select(node => node.Layer?.WorkPerPosition ?? 0)];
        WeightBytes = [.. graph.Nodes.Select(node => node.Layer?.WeightBytes ?? 0)];
    }

    /// <summary>Which layers have a backward pass.</summary>
    public DifferentiablePart Differentiable { get; }

    /// <summary>Images in the batch.</summary>
    public long Batch { get; }

    /// <summary>Bytes of a value.</summary>
    public int ElementSize { get; }

    /// <summary>Bytes of a value in every image of the batch.</summary>
    public long ValueBytes => Batch * ElementSize;

    /// <summary>The machine.</summary>
    public ComputeRates Rates { get; }

    /// <summary>Bytes of the parameters, and of the gradients of those that learn.</summary>
    public long ParameterBytes { get; }

    /// <summary>Of each node, the multiplications and additions for a position of its map.</summary>
    public IReadOnlyList<double> Work { get; }

    /// <summary>Bytes of each node's parameters.</summary>
    public IReadOnlyList<long> WeightBytes { get; }
}
