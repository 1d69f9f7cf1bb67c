using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// The gradients of what tiles leave for one another: added up by the tiles that have read it, taken by its home, which comes later in
/// the backward pass.
/// </summary>
/// <param name="plan">The grid.</param>
/// <param name="settings">Type and format of the maps.</param>
/// <param name="store">Where they wait; it belongs to this object.</param>
internal sealed class SeamGradients(GridPlan plan, RunSettings settings, ISeamStore store) : IDisposable
{
    /// <summary>Bytes held at present on the device that computes.</summary>
    public long Bytes => store.Bytes;

    /// <summary>Sends the gradient of a tile's window of a map home, as far as it is other tiles'.</summary>
    public void Send(int node, (int Row, int Column) tile, Region window, Tensor gradient)
    {
        if (plan.Carry(node) is not { } carry)
            return;
        foreach (var piece in carry.Read(tile.Row, tile.Column, window))
        {
            using var part = gradient.Part(window, piece.Region);
            if (!store.Has(piece.Seam))
                store.Put(piece.Seam, Zeros(gradient, piece.Held));
            using var sum = store.Take(piece.Seam).Part(piece.Held, piece.Region);
            sum.Accumulate(part);
        }
    }

    /// <summary>Adds what another process has sent home, [N, C, h, w] of what it reads of a seam.</summary>
    public void Receive(in SeamPiece piece, Tensor gradient)
    {
        if (!store.Has(piece.Seam))
            store.Put(piece.Seam, Zeros(gradient, piece.Held));
        using var sum = store.Take(piece.Seam).Part(piece.Held, piece.Region);
        sum.Accumulate(gradient);
    }

    /// <summary>What has been sent to a tile of another process; null where nothing has. It stays the store's.</summary>
    public Tensor? Sent(in SeamKey seam) => store.Has(seam) ? store.Take(seam) : null;

    /// <summary>Frees what has been sent to a tile of another process.</summary>
    public void Free(in SeamKey seam) => store.Free(seam);

    /// <summary>Adds what has been sent to the gradient of a tile's own rectangle of a map.</summary>
    /// <returns>Whether anything had been sent.</returns>
    public bool TakeInto(int node, (int Row, int Column) tile, Tensor own)
    {
        var hasCome = false;
        var region = plan.Computed(node, tile.Row, tile.Column);
        foreach (var piece in plan.Carry(node)!.Stored(tile.Row, tile.Column))
        {
            if (!store.Has(piece.Seam))
                continue;
            using var part = own.Part(region, piece.Region);
            part.Accumulate(store.Take(piece.Seam));
            hasCome = true;
        }

        return hasCome;
    }

    /// <summary>After a tile: what was sent to it is done with.</summary>
    public void End((int Row, int Column) tile)
    {
        foreach (var node in plan.Graph.Nodes)
        {
            foreach (var piece in plan.Carry(node.Index)?.Stored(tile.Row, tile.Column) ?? [])
                store.Free(piece.Seam);
        }
    }

    /// <summary>Frees everything.</summary>
    public void Dispose() => store.Dispose();

    private Tensor Zeros(Tensor like, Region held)
    {
        using (TensorHeap.Lasting())
            return settings.Format.Zeros(
                [like.shape[0], like.shape[1], held.Rows.Length, held.Columns.Length], settings.MapType, like.device);
    }
}
