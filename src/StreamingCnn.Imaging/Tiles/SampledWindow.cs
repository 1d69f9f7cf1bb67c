using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>What of a file's level is read for a tile.</summary>
internal sealed class SampledWindow
{
    /// <summary>Reads it; the pixels are of the current scope.</summary>
    /// <param name="file">The file.</param>
    /// <param name="level">Its level.</param>
    /// <param name="tile">The tile's pixels in its own level.</param>
    /// <param name="image">Height and width of the image that the file is a picture or a map of.</param>
    /// <param name="factor">Pixels of the image for one of the tile.</param>
    /// <param name="isImage">Whether the file is the image itself.</param>
    public SampledWindow(
        FileLevels file, int level, ImageRegion tile, (long Height, long Width) image, double factor, bool isImage = false)
    {
        var (height, width) = file.Size(level);
        var rows = new AxisSamples(image.Height, height, factor, isImage);
        var columns = new AxisSamples(image.Width, width, factor, isImage);
        var (top, left) = (rows[tile.Top], columns[tile.Left]);
        Rows = [.. Places(rows, tile.Top, tile.Height)];
        Columns = [.. Places(columns, tile.Left, tile.Width)];
        Pixels = file.Read(level, new(top, left, Rows[^1] + 1, Columns[^1] + 1));

        static IEnumerable<int> Places(AxisSamples samples, long first, long count)
        {
            for (var pixel = first; pixel < first + count; pixel++)
                yield return (int)(samples[pixel] - samples[first]);
        }
    }

    /// <summary>[1, C, H, W], bytes or float32.</summary>
    public Tensor Pixels { get; }

    /// <summary>The row of <see cref="Pixels"/> for each of the tile.</summary>
    public int[] Rows { get; }

    /// <summary>The column for each of the tile.</summary>
    public int[] Columns { get; }

    /// <summary>The samples of a tile, row by row, channels side by side.</summary>
    /// <param name="channels">The first channels are taken.</param>
    public float[] Values(int channels)
    {
        var values = new float[Rows.Length * Columns.Length * channels];
        if (Pixels.dtype == ScalarType.Byte)
            Copy<byte, float>(values, channels, (value, _) => value);
        else
            Copy<float, float>(values, channels, (value, _) => value);
        return values;
    }

    /// <summary>Makes samples of a tile of a window of bytes.</summary>
    /// <param name="target">Row by row, channels side by side.</param>
    /// <param name="channels">The first channels are taken.</param>
    /// <param name="table">Of each channel what becomes of a byte.</param>
    public void Copy(byte[] target, int channels, byte[][] table)
    {
        var values = Pixels.bytes;
        var (height, width) = ((int)Pixels.shape[2], (int)Pixels.shape[3]);
        for (var channel = 0; channel < channels; channel++)
        {
            ReadOnlySpan<byte> become = table[channel];
            var place = channel;
            foreach (var row in Rows)
            {
                ReadOnlySpan<byte> line = values.Slice(((channel * height) + row) * width, width);
                foreach (var column in Columns)
                {
                    target[place] = become[line[column]];
                    place += channels;
                }
            }
        }
    }

    /// <summary>Makes samples of a tile.</summary>
    /// <param name="target">Row by row, channels side by side.</param>
    /// <param name="channels">The first channels are taken.</param>
    /// <param name="convert">Makes one of a value and its channel.</param>
    public void Copy<TFrom, TTo>(TTo[] target, int channels, Func<TFrom, int, TTo> convert)
        where TFrom : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, TFrom>(Pixels.bytes);
        var (height, width) = ((int)Pixels.shape[2], (int)Pixels.shape[3]);
        for (var channel = 0; channel < channels; channel++)
        {
            var place = channel;
            foreach (var row in Rows)
            {
                var line = values.Slice(((channel * height) + row) * width, width);
                foreach (var column in Columns)
                {
                    target[place] = convert(line[column], channel);
                    place += channels;
                }
            }
        }
    }
}
