using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Execution;

/// <summary>One tile's records, layer by layer, for its backward pass. Owns their tensors.</summary>
internal sealed class TileTape(TileLayout layout, int nodes) : IDisposable
{
    private readonly LayerRecord?[] records = new LayerRecord?[nodes];

    public TileLayout Layout { get; } = layout;

    public void Add(int node, LayerRecord record) => records[node] = record;

    /// <summary>Hands a layer's record over to the caller, who disposes it.</summary>
    public LayerRecord? Take(int node)
    {
        var record = records[node];
        records[node] = null;
        return record;
    }

    public void Dispose()
    {
        for (var node = 0; node < records.Length; node++)
            Take(node)?.Dispose();
    }
}
