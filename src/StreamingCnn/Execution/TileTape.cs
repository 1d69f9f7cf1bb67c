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

    /// <summary>Moves all records of another tape of the same tile into this one.</summary>
    public void TakeOver(TileTape? other)
    {
        for (var node = 0; other is not null && node < records.Length; node++)
            records[node] = other.Take(node) ?? records[node];
    }

    public void Dispose()
    {
        for (var node = 0; node < records.Length; node++)
            Take(node)?.Dispose();
    }
}
