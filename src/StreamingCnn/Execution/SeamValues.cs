using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// The values that tiles leave for one another: stored by their home tile, taken by tiles behind it, in both passes, and freed when
/// nobody reads them any more.
/// </summary>
/// <param name="plan">The grid.</param>
/// <param name="settings">Type and format of the maps.</param>
/// <param name="store">Where they wait; it belongs to this object.</param>
/// <param name="readAgain">Whether the backward pass reads a map once more.</param>
internal sealed class SeamValues(GridPlan plan, RunSettings settings, ISeamStore store, Func<int, bool> readAgain) : IDisposable
{
    // What is at hand, and what the next tile reads, where the store does not hold everything.
    private readonly HashSet<SeamKey> atHand = [];
    private readonly HashSet<SeamKey> wanted = [];

    /// <summary>Bytes held at present on the device that computes.</summary>
    public long Bytes => store.Bytes;

    /// <summary>The most bytes held there so far.</summary>
    public long PeakBytes => store.PeakBytes;

    /// <summary>Stores what later tiles read of a rectangle that a tile has computed.</summary>
    public void Store(int node, (int Row, int Column) tile, Tensor rectangle)
    {
        if (plan.Carry(node) is not { } carry)
            return;
        var region = plan.Computed(node, tile.Row, tile.Column);
        foreach (var piece in carry.Stored(tile.Row, tile.Column))
        {
            using var part = rectangle.Part(region, piece.Region);
            Tensor values;
            using (TensorHeap.Lasting())
                values = settings.Format.Empty(part.shape, settings.MapType, part.device);
            store.Put(piece.Seam, values.copy_(part));
            if (!store.HoldsAll)
                atHand.Add(piece.Seam);
        }
    }

    /// <summary>Copies into a tile's window of a map what tiles before it have left of it.</summary>
    public void TakeInto(int node, (int Row, int Column) tile, Region window, Tensor values)
    {
        foreach (var piece in plan.Carry(node)?.Read(tile.Row, tile.Column, window) ?? [])
        {
            using var target = values.Part(window, piece.Region);
            using var part = store.Take(piece.Seam).Part(piece.Held, piece.Region);
            target.copy_(part);
        }
    }

    /// <summary>Takes over what a tile of another process has left, [N, C, h, w].</summary>
    public void Receive(in SeamKey seam, Tensor values)
    {
        store.Put(seam, values);
        if (!store.HoldsAll)
            atHand.Add(seam);
    }

    /// <summary>What a tile has left, for another process. It stays the store's.</summary>
    public Tensor Left(in SeamKey seam)
    {
        if (!store.HoldsAll)
            atHand.Add(seam);
        return store.Take(seam);
    }

    /// <summary>Before a tile: asks for what it and the next one read.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="program">What it does.</param>
    /// <param name="next">The next one, and what it does; null for none.</param>
    public void Begin((int Row, int Column) tile, TileProgram program, ((int Row, int Column) Tile, TileProgram Program)? next)
    {
        if (store.HoldsAll)
            return;
        Ask(tile, program);
        wanted.Clear();
        if (next is var (place, other))
            Ask(place, other);
    }

    /// <summary>After a tile of the forward pass.</summary>
    public void EndForward((int Row, int Column) tile)
    {
        Free(tile, node => !readAgain(node), (carry, row, column) => carry.Lives.LastReadBy(row, column));
        Rest();
    }

    /// <summary>When a tile has been computed again in the backward pass, and before its gradients arise.</summary>
    public void EndRecomputation((int Row, int Column) tile)
    {
        Free(tile, readAgain, (carry, row, column) => carry.Lives.FirstReadBy(row, column));
        Rest();
    }

    /// <summary>Frees everything.</summary>
    public void Dispose() => store.Dispose();

    private void Ask((int Row, int Column) tile, TileProgram program)
    {
        foreach (var gather in program.Instructions.OfType<GatherWindow>())
        {
            var window = plan.Origin(gather.Node, tile.Row, tile.Column).Absolute(gather.Window);
            foreach (var piece in plan.Carry(gather.Node)?.Read(tile.Row, tile.Column, window) ?? [])
            {
                wanted.Add(piece.Seam);
                if (store.Has(piece.Seam) && atHand.Add(piece.Seam))
                    store.Prefetch(piece.Seam);
            }
        }
    }

    private void Free((int Row, int Column) tile, Func<int, bool> which, Func<CarryPlan, int, int, IEnumerable<SeamKey>> done)
    {
        foreach (var node in plan.Graph.Nodes)
        {
            if (plan.Carry(node.Index) is not { } carry || !which(node.Index))
                continue;
            foreach (var seam in done(carry, tile.Row, tile.Column))
            {
                atHand.Remove(seam);
                store.Free(seam);
            }
        }
    }

    private void Rest()
    {
        foreach (var seam in atHand)
        {
            if (!wanted.Contains(seam))
                store.Rest(seam);
        }

        atHand.IntersectWith(wanted);
    }
}
