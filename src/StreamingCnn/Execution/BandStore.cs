using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The bands of all maps as tensors, made when first touched: for the carried values, and again for their gradients.</summary>
internal sealed class BandStore(GridPlan plan, long batch, ScalarType type, Device device) : IDisposable
{
    private readonly Dictionary<(int Node, BandKind Kind, int TileRow), Tensor> bands = [];

    /// <summary>Bytes held at present.</summary>
    public long Bytes { get; private set; }

    /// <summary>The most bytes held so far.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>The view of a piece, in the caller's scope; made with zeros where the band is new.</summary>
    public Tensor Piece(int node, in CarriedPiece piece, bool zeroed)
    {
        var key = (node, piece.Kind, piece.TileRow);
        if (!bands.TryGetValue(key, out var band))
        {
            var (height, width) = plan.Carry(node)!.StoreShape(piece.Kind, piece.TileRow);
            long[] shape = [batch, plan.Graph.Nodes[node].Channels, height, width];
            using (TensorHeap.Lasting())
                band = (zeroed ? zeros(shape, type, device) : empty(shape, type, device)).DetachFromDisposeScope();
            bands.Add(key, band);
            Bytes += Size(band);
            PeakBytes = Math.Max(PeakBytes, Bytes);
        }

        return band.Part(piece.Top, piece.Left, piece.Region.Rows.Length, piece.Region.Columns.Length);
    }

    /// <summary>Whether the piece's band has been made.</summary>
    public bool Has(int node, in CarriedPiece piece) => bands.ContainsKey((node, piece.Kind, piece.TileRow));

    /// <summary>Frees one band of a map, if it is there.</summary>
    public void Free(int node, BandKind kind, int tileRow)
    {
        if (!bands.Remove((node, kind, tileRow), out var band))
            return;
        Bytes -= Size(band);
        band.Dispose();
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        foreach (var band in bands.Values)
            band.Dispose();
        bands.Clear();
        Bytes = 0;
    }

    private static long Size(Tensor band) => band.NumberOfElements * band.ElementSize;
}
