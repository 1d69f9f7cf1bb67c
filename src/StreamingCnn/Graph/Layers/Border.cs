using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>Surrounds a window with its share of the image's padding. Padding belongs to the image's border only.</summary>
internal static class Border
{
    /// <summary>Adds the patch's padding, filled with one value; returns the window itself where there is none.</summary>
    public static Tensor FillConstant(Tensor window, in Patch patch, double value = 0) => patch.IsPadded
        ? nn.functional.pad(
            window,
            [patch.Columns.Span.Before, patch.Columns.Span.After, patch.Rows.Span.Before, patch.Rows.Span.After],
            PaddingModes.Constant,
            value)
        : window;

    /// <summary>
    /// Lays out positions along one dimension, each taken from the input position that <paramref name="source"/> names: reflecting and
    /// replicating borders.
    /// </summary>
    /// <param name="window">The window; its first row or column is input position <paramref name="windowStart"/>.</param>
    /// <param name="dimension">2 for rows, 3 for columns.</param>
    /// <param name="windowStart">Input position of the window's first entry.</param>
    /// <param name="first">First position to lay out; may lie outside the input.</param>
    /// <param name="count">How many positions.</param>
    /// <param name="source">The input position that stands at a position.</param>
    public static Tensor FillFrom(Tensor window, int dimension, long windowStart, long first, long count, Func<long, long> source)
    {
        var indices = new long[count];
        var inOrder = true;
        for (var i = 0; i < count; i++)
        {
            indices[i] = source(first + i) - windowStart;
            inOrder &= i == 0 || indices[i] == indices[i - 1] + 1;
        }

        if (inOrder)
            return window.narrow(dimension, indices[0], count);
        using var index = tensor(indices, device: window.device);
        return Select(window, dimension, index);
    }

    /// <summary>Rows or columns of a window, picked by their indices, in the window's format.</summary>
    public static Tensor Select(Tensor window, int dimension, Tensor index) => window.Format() == MapFormat.ChannelsLast
        ? window.permute(0, 2, 3, 1).index_select(dimension - 1, index).permute(0, 3, 1, 2)
        : window.index_select(dimension, index);
}
