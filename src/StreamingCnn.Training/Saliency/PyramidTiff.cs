using System.IO.Compression;
using System.Runtime.InteropServices;
using StreamingCnn.Imaging;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// Writes a map as a BigTIFF of float32 in tiles, with all its levels, one tile in memory at a time. libvips would keep all levels but the first in memory until the end.
/// </summary>
internal sealed class PyramidTiff : IDisposable
{
    private const int Side = 256;

    private readonly FileStream file;
    private readonly MemoryStream packed = new();
    private readonly List<TiffPage> pages = [];

    private PyramidTiff(string path)
    {
        file = File.Create(path);
        file.Write(TiffPage.FileHeader(0));
    }

    /// <summary>Writes a map.</summary>
    /// <param name="map">The map.</param>
    /// <param name="path">The file; one that is there already is replaced.</param>
    /// <param name="limit">Values are clipped to 0 and this; null not to clip.</param>
    /// <param name="micrometresPerPixel">Resolution of the map; null when it is not known.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(RasterFile map, string path, double? limit, double? micrometresPerPixel)
    {
        using var tiff = new PyramidTiff(path);
        tiff.WriteLevels(map, limit, micrometresPerPixel * map.Width);
        tiff.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>Writes a level and all smaller ones.</summary>
    private void WriteLevels(RasterFile level, double? limit, double? micrometresAcross)
    {
        var hasSmaller = Math.Max(level.Height, level.Width) > Side && Math.Min(level.Height, level.Width) > 1;
        using var smaller = hasSmaller ? new RasterFile(Path.GetDirectoryName(Path.GetFullPath(file.Name))!, level.Height / 2, level.Width / 2, level.Channels) : null;
        WriteLevel(level, smaller, limit, micrometresAcross / level.Width);
        // What is clipped stays so.
        if (smaller is not null)
            WriteLevels(smaller, limit: null, micrometresAcross);
    }

    /// <summary>Writes the tiles of a level, and each at half its size into the next one.</summary>
    private void WriteLevel(RasterFile level, RasterFile? smaller, double? limit, double? micrometresPerPixel)
    {
        var (offsets, lengths) = (new List<long>(), new List<long>());
        var (values, halves, tile) = (new float[Side * Side * level.Channels], new float[Side / 2 * (Side / 2) * level.Channels], new float[Side * Side * level.Channels]);
        for (long top = 0; top < level.Height; top += Side)
        {
            for (long left = 0; left < level.Width; left += Side)
            {
                var window = new ImageRegion(top, left, Math.Min(Side, level.Height - top), Math.Min(Side, level.Width - left));
                var row = (int)window.Width * level.Channels;
                var read = values.AsSpan(0, (int)window.Height * row);
                level.Read(window, read);
                if (limit is { } most)
                    Clip(read, (float)most);
                if (smaller is not null)
                    Halve(read, window, level.Channels, smaller, halves);

                Array.Clear(tile);
                for (var y = 0; y < window.Height; y++)
                    read.Slice(y * row, row).CopyTo(tile.AsSpan(y * Side * level.Channels));
                offsets.Add(file.Position);
                lengths.Add(WriteTile(tile));
            }
        }

        pages.Add(new(level.Height, level.Width, level.Channels, Side, IsReduced: pages.Count > 0, offsets, lengths, micrometresPerPixel));
    }

    private long WriteTile(float[] tile)
    {
        packed.SetLength(0);
        using (var zip = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zip.Write(MemoryMarshal.AsBytes<float>(tile));
        file.Write(packed.GetBuffer(), 0, (int)packed.Length);
        return packed.Length;
    }

    private static void Clip(Span<float> values, float most)
    {
        foreach (ref var value in values)
            value = Math.Clamp(value, 0, most);
    }

    /// <summary>The mean of each square of four; an odd row or column at the end is left out, as libvips does.</summary>
    private static void Halve(ReadOnlySpan<float> values, ImageRegion window, int channels, RasterFile smaller, float[] halves)
    {
        var target = new ImageRegion(window.Top / 2, window.Left / 2, window.Height / 2, window.Width / 2);
        if (target.Height == 0 || target.Width == 0)
            return;
        var row = (int)window.Width * channels;
        var at = 0;
        for (var y = 0; y < target.Height; y++)
        {
            for (var x = 0; x < target.Width; x++)
            {
                for (var channel = 0; channel < channels; channel++)
                {
                    var corner = (2 * y * row) + (2 * x * channels) + channel;
                    halves[at++] = (values[corner] + values[corner + channels] + values[corner + row] + values[corner + row + channels]) / 4;
                }
            }
        }

        smaller.Write(target, halves);
    }

    private void Finish()
    {
        var first = file.Position;
        foreach (var page in pages)
            file.Write(page.Directory(file.Position, isLast: page == pages[^1]));
        file.Position = 0;
        file.Write(TiffPage.FileHeader(first));
    }
}
