using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>Attention on one rectangle of a map, in rows of blocks. All maps here have their channels last.</summary>
internal sealed class AttentionRectangle
{
    private readonly LocalAttention attention;
    private readonly Patch patch;
    private readonly AttentionBlocks[] rows;
    private readonly AttentionBlocks[] columns;

    /// <param name="attention">The module.</param>
    /// <param name="patch">The rectangle; its maps are <see cref="AttentionMap"/>s.</param>
    public AttentionRectangle(LocalAttention attention, in Patch patch)
    {
        (this.attention, this.patch) = (attention, patch);
        rows = AttentionBlocks.Of((AttentionMap)patch.Rows.Map, patch.Rows.Output);
        columns = AttentionBlocks.Of((AttentionMap)patch.Columns.Map, patch.Columns.Output);
    }

    /// <summary>What is read, [N, h, w, C], with its share of the padding of zeros behind the map.</summary>
    /// <param name="window">[N, C, h, w].</param>
    public Tensor Pixels(Tensor window)
    {
        var pixels = window.permute(0, 2, 3, 1);
        var (below, right) = (rows[^1].AllKeys.End - patch.Rows.Span.End, columns[^1].AllKeys.End - patch.Columns.Span.End);
        return below > 0 || right > 0 ? functional.pad(pixels, [0, 0, 0, right, 0, below]) : pixels;
    }

    /// <summary>The part of what belongs to <see cref="Pixels"/> that is no padding, in memory of its own.</summary>
    public Tensor WithoutPadding(Tensor pixels)
    {
        var (height, width) = (patch.Rows.Span.Interval.Length, patch.Columns.Span.Interval.Length);
        // A part that is copied does not keep the rest in memory.
        return pixels.shape[1] == height && pixels.shape[2] == width
            ? pixels
            : pixels.narrow(1, 0, height).narrow(2, 0, width).clone();
    }

    /// <summary>Memory for what the outputs gather, [N, h', w', C].</summary>
    /// <param name="like">A tensor of the same images, type and device.</param>
    public Tensor Gathered(Tensor like) => empty(
        [like.shape[0], patch.Rows.Output.Length, patch.Columns.Output.Length, attention.Channels], like.dtype, like.device);

    /// <summary>Does something with each row of blocks.</summary>
    /// <param name="device">Where the maps are.</param>
    /// <param name="action">Gets the row, and for each part of it which biases it takes.</param>
    public void ForEachRow(Device device, Action<AttentionBlocks, Tensor[]> action)
    {
        foreach (var alike in rows)
        {
            using var scope = NewDisposeScope();
            var places = Array.ConvertAll(columns, column => PlacesOf(alike, column, device));
            for (long i = 0; i < alike.Count; i++)
            {
                using var inner = NewDisposeScope();
                action(alike[i], places);
            }
        }
    }

    /// <summary>The rows of what is read that a row of blocks looks at.</summary>
    public Tensor Keys(Tensor pixels, AttentionBlocks row) =>
        pixels.narrow(1, row.AllKeys.Start - patch.Rows.Span.Start, row.AllKeys.Length);

    /// <summary>The rows of the outputs that it computes.</summary>
    public Tensor Queries(Tensor outputs, AttentionBlocks row) =>
        outputs.narrow(1, row.AllQueries.Start - patch.Rows.Output.Start, row.AllQueries.Length);

    /// <summary>What the outputs of a row of blocks gather, [N, rows, w', C].</summary>
    /// <param name="row">The row.</param>
    /// <param name="places">Which biases its parts take.</param>
    /// <param name="values">Queries, keys and values of the rows that it looks at, [N, rows, w, 3C].</param>
    /// <param name="biases">[heads, distances].</param>
    public Tensor Attend(AttentionBlocks row, Tensor[] places, Tensor values, Tensor biases)
    {
        var (heads, depth) = (attention.Heads, attention.Channels / attention.Heads);
        var split = values.reshape(values.shape[0], values.shape[1], values.shape[2], 3, heads, depth);
        // The bias of positions that are not looked at, whose weight is nothing then.
        var nothing = empty([heads, 1], biases.dtype, biases.device).Filled(double.NegativeInfinity);
        var extended = cat([biases, nothing], 1);
        var parts = new Tensor[columns.Length];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = Attend(row, columns[i], split, extended.index_select(1, places[i]));
        return parts is [var only] ? only : cat(parts, 2);
    }

    private Tensor Attend(AttentionBlocks row, AttentionBlocks column, Tensor split, Tensor biases)
    {
        var (images, heads, depth) = (split.shape[0], split.shape[4], split.shape[5]);
        var (queries, keys) = (row.Queries * column.Queries, row.Keys * column.Keys);
        var start = patch.Columns.Span.Start;

        var asked = split.select(3, 0)
            .narrow(1, row.First.Queries.Start - row.First.Keys.Start, row.Queries)
            .narrow(2, column.AllQueries.Start - start, column.AllQueries.Length)
            .reshape(images, row.Queries, column.Count, column.Queries, heads, depth)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(images, column.Count, heads, queries, depth)
            .Times(attention.Scale);
        var scores = asked.matmul(OfBlocks(1).transpose(-2, -1)).Plus(biases.reshape(heads, queries, keys));
        return functional.softmax(scores, -1)
            .matmul(OfBlocks(2))
            .reshape(images, column.Count, heads, row.Queries, column.Queries, depth)
            .permute(0, 3, 1, 4, 2, 5)
            .reshape(images, row.Queries, column.Count * column.Queries, heads * depth);

        // Keys or values of each block, [N, blocks, heads, keys, depth].
        Tensor OfBlocks(long which) => split.select(3, which)
            .narrow(2, column.AllKeys.Start - start, column.AllKeys.Length)
            .unfold(2, column.Keys, column.Queries)
            .permute(0, 2, 3, 1, 5, 4)
            .reshape(images, column.Count, heads, keys, depth);
    }

    /// <summary>For each output of a block and each position that it may look at the place of its bias in the table.</summary>
    private Tensor PlacesOf(AttentionBlocks row, AttentionBlocks column, Device device)
    {
        var distances = ((AttentionMap)patch.Columns.Map).Biases;
        var places = new long[row.Biases.Length * column.Biases.Length];
        var next = 0;
        for (long down = 0; down < row.Queries; down++)
        {
            for (long right = 0; right < column.Queries; right++)
            {
                for (long rowKey = 0; rowKey < row.Keys; rowKey++)
                {
                    var along = row.Biases[(down * row.Keys) + rowKey];
                    for (long columnKey = 0; columnKey < column.Keys; columnKey++)
                    {
                        var across = column.Biases[(right * column.Keys) + columnKey];
                        places[next++] = along < 0 || across < 0 ? distances * distances : (along * distances) + across;
                    }
                }
            }
        }

        return tensor(places, device: device);
    }
}
