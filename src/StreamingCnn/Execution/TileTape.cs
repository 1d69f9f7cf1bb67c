using StreamingCnn.Graph;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>One tile's records, layer by layer, for its backward pass. Owns their tensors.</summary>
/// <param name="nodes">Number of the network's maps.</param>
internal sealed class TileTape(int nodes) : IDisposable
{
    private readonly LayerRecord?[] records = new LayerRecord?[nodes];

    /// <summary>The tensors that the tape refers to.</summary>
    public IEnumerable<Tensor> Held => records.SelectMany(record => record?.Held ?? []);

    /// <summary>A layer's record, if there is one.</summary>
    public LayerRecord? Record(int node) => records[node];

    /// <summary>Takes a layer's record.</summary>
    public void Add(int node, LayerRecord record) => records[node] = record;

    /// <summary>Hands a layer's record over to the caller, who disposes it.</summary>
    public LayerRecord? Take(int node)
    {
        var record = records[node];
        records[node] = null;
        return record;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var node = 0; node < records.Length; node++)
            Take(node)?.Dispose();
    }
}
