using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The bands of all maps as tensors, made when first touched: for the carried values, and again for their gradients.</summary>
/// <param name="plan">The grid.</param>
/// <param name="batch">Images in the batch.</param>
/// <param name="settings">Type and format of the maps.</param>
/// <param name="device">The device that computes.</param>
/// <param name="shelf">Where bands wait that no tile needs at present; null for none. It belongs to the store.</param>
internal sealed class BandStore(GridPlan plan, long batch, RunSettings settings, Device device, IBandShelf? shelf = null) : IDisposable
{
    private readonly Dictionary<BandKey, Tensor> bands = [];

    /// <summary>Whether there is a shelf.</summary>
    public bool HasShelf => shelf is not null;

    /// <summary>Bytes held at present, those on the shelf left out.</summary>
    public long Bytes { get; private set; }

    /// <summary>The most bytes held so far.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>The view of a piece, in the caller's scope; made with zeros where the band is new.</summary>
    public Tensor Piece(int node, in CarriedPiece piece, bool zeroed)
    {
        var key = new BandKey(node, piece.Kind, piece.TileRow);
        if (!bands.TryGetValue(key, out var band))
        {
            band = shelf?.Take(key) ?? New(key, zeroed);
            bands.Add(key, band);
            Bytes += Size(band);
            PeakBytes = Math.Max(PeakBytes, Bytes);
        }

        return band.Part(piece.Top, piece.Left, piece.Region.Rows.Length, piece.Region.Columns.Length);
    }

    /// <summary>Whether the piece's band has been made.</summary>
    public bool Has(int node, in CarriedPiece piece) => bands.ContainsKey(new(node, piece.Kind, piece.TileRow));

    /// <summary>Moves a band to the shelf, if it is there.</summary>
    public void Shelve(int node, BandKind kind, int tileRow)
    {
        if (bands.TryGetValue(new(node, kind, tileRow), out var band))
            shelf!.Put(new(node, kind, tileRow), band);
        Free(node, kind, tileRow);
    }

    /// <summary>Frees one band of a map, if it is there.</summary>
    public void Free(int node, BandKind kind, int tileRow)
    {
        if (!bands.Remove(new(node, kind, tileRow), out var band))
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
        shelf?.Dispose();
    }

    private Tensor New(BandKey key, bool zeroed)
    {
        var (height, width) = plan.Carry(key.Node)!.StoreShape(key.Kind, key.TileRow);
        long[] shape = [batch, plan.Graph.Nodes[key.Node].Channels, height, width];
        using (TensorHeap.Lasting())
            return (zeroed ? settings.Format.Zeros(shape, settings.MapType, device) : settings.Format.Empty(shape, settings.MapType, device)).DetachFromDisposeScope();
    }

    private static long Size(Tensor band) => band.NumberOfElements * band.ElementSize;
}
