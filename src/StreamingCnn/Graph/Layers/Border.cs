using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>Surrounds a window with its share of the image's padding. Padding belongs to the image's border only.</summary>
internal static class Border
{
    /// <summary>Adds the patch's padding, filled with one value; returns the window itself where there is none.</summary>
    public static Tensor FillConstant(Tensor window, in Patch patch, double value = 0)
    {
        if (!patch.IsPadded)
            return window;
        // The library knows no format of what is empty.
        return patch.Input.IsEmpty
            ? window.Format()
                .Empty([window.shape[0], window.shape[1], patch.Rows.PaddedLength, patch.Columns.PaddedLength], window.dtype, window.device)
                .Filled(value)
            : nn.functional.pad(
                window,
                [patch.Columns.Span.Before, patch.Columns.Span.After, patch.Rows.Span.Before, patch.Rows.Span.After],
                PaddingModes.Constant,
                value);
    }

    /// <summary>The part of a padded window, or of its gradient, that is not padding.</summary>
    public static Tensor WithoutPadding(Tensor padded, in Patch patch) => patch.IsPadded
        ? padded
            .narrow(2, patch.Rows.Span.Before, patch.Rows.Span.Interval.Length)
            .narrow(3, patch.Columns.Span.Before, patch.Columns.Span.Interval.Length)
        : padded;

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
        if (IsPart(first, count, source))
            return window.narrow(dimension, source(first) - windowStart, count);
        var indices = new long[count];
        for (var i = 0; i < count; i++)
            indices[i] = source(first + i) - windowStart;
        using var index = tensor(indices, device: window.device);
        return Select(window, dimension, index);
    }

    /// <summary>
    /// Whether positions stand one behind the other in the input, so that what <see cref="FillFrom"/> lays out is a part of the
    /// window and no copy.
    /// </summary>
    public static bool IsPart(long first, long count, Func<long, long> source)
    {
        var start = source(first);
        for (var i = 1; i < count; i++)
        {
            if (source(first + i) != start + i)
                return false;
        }

        return true;
    }

    /// <summary>Rows or columns of a window, picked by their indices, in the window's format.</summary>
    public static Tensor Select(Tensor window, int dimension, Tensor index) => window.Format() == MapFormat.ChannelsLast
        ? window.permute(0, 2, 3, 1).index_select(dimension - 1, index).permute(0, 3, 1, 2)
        : window.index_select(dimension, index);
}
