using System.Runtime.InteropServices;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>One resolution of an image, read through GDAL, which keeps the blocks that it decoded last.</summary>
internal sealed class GdalSource : IImageSource
{
    private readonly ImageInfo info;
    private readonly IReadOnlyList<GdalBand> bands;
    private readonly BandMeaning meaning;
    private readonly ImageOptions options;
    private readonly GdalHandle image;
    private readonly nint data;

    /// <summary>Opens one level; no pixel is decoded.</summary>
    /// <param name="info">The file's header.</param>
    /// <param name="level">The level.</param>
    /// <param name="bands">What it has.</param>
    /// <param name="meaning">Which of them is alpha.</param>
    /// <param name="options">Channels, alpha, value range.</param>
    /// <exception cref="ImageFormatException">The file cannot be opened, or not be read so.</exception>
    public GdalSource(ImageInfo info, int level, IReadOnlyList<GdalBand> bands, BandMeaning meaning, ImageOptions options)
    {
        VipsLibrary.Quieten();
        (this.info, this.bands, this.meaning, this.options) = (info, bands, meaning, options);
        (Height, Width) = (info.Levels[level].Height, info.Levels[level].Width);
        image = GdalHandle.Open(info.Path);
        try
        {
            data = image.Level(level);
            // The file may have been replaced since its header was read.
            if (data == nint.Zero || GdalNative.GDALGetRasterCount(data) != bands.Count
                || GdalNative.GDALGetRasterXSize(data) != Width || GdalNative.GDALGetRasterYSize(data) != Height)
            {
                throw new ImageFormatException(
                    info.Path, "the file was changed while it was read; leave it as it is until the program has ended.");
            }

            using var scope = NewDisposeScope();
            using var pixel = Prepare(Unpack(new ImageRegion(0, 0, 1, 1), decode: false));
            Channels = pixel.Bands;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    public int Channels { get; }

    public long Height { get; }

    public long Width { get; }

    private Enums.BandFormat Format => bands.All(band => band.Type == GdalNative.Bytes) ? Enums.BandFormat.Uchar
        : bands.All(band => band.Largest is not null) ? Enums.BandFormat.Ushort
        : Enums.BandFormat.Float;

    private int Largest => Format == Enums.BandFormat.Uchar ? byte.MaxValue : bands.Max(band => band.Largest ?? 0);

    public Tensor Read(long top, long left, long height, long width)
    {
        var region = new ImageRegion(top, left, height, width);
        region.CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        using var window = Prepare(Unpack(region, decode: true));
        return VipsWindow.ToTensor(window).MoveToOuterDisposeScope();
    }

    public void Dispose() => image.Dispose();

    private Image Prepare(Image window) =>
        VipsPixels.Prepare(info.Path, window, options, meaning, Format == Enums.BandFormat.Ushort ? Largest : null);

    // The window lives in a tensor of the scope around.
    private unsafe Image Unpack(ImageRegion region, bool decode)
    {
        var sample = Format switch { Enums.BandFormat.Uchar => 1, Enums.BandFormat.Ushort => 2, _ => 4 };
        var count = bands.Count;
        var pixels = empty([region.Height * region.Width * count * sample], ScalarType.Byte).bytes;
        if (decode)
            Fill(pixels, region, sample);
        else
            pixels.Clear();
        Spread(pixels);
        if (bands is [{ Palette: not null } table])
        {
            pixels = LookUp(pixels, table);
            count = table.PaletteBands;
        }

        fixed (byte* start = pixels)
        {
            using var window = Image.NewFromMemory((nint)start, (ulong)pixels.Length, (int)region.Width, (int)region.Height, count, Format);
            return window.Copy(interpretation: Meaning(count));
        }
    }

    private unsafe void Fill(Span<byte> pixels, ImageRegion region, int sample)
    {
        var type = Format switch
        {
            Enums.BandFormat.Uchar => GdalNative.Bytes,
            Enums.BandFormat.Ushort => GdalNative.Words,
            _ => GdalNative.Floats,
        };
        var (left, top, width, height) = ((int)region.Left, (int)region.Top, (int)region.Width, (int)region.Height);
        long pixel = bands.Count * sample;
        GdalNative.CPLErrorReset();
        fixed (byte* start = pixels)
        {
            image.ThrowOnError(GdalNative.GDALDatasetRasterIOEx(
                data, 0, left, top, width, height, start, width, height, type, bands.Count, null, pixel, pixel * width, sample, nint.Zero));
        }
    }

    // Few bits are spread over the range of the others: over 0..255 in bytes, over that of the deepest band in words.
    private void Spread(Span<byte> pixels)
    {
        for (var band = 0; band < bands.Count; band++)
        {
            if (bands[band] is not { Largest: { } own, Palette: null } || own == Largest)
                continue;
            if (Format == Enums.BandFormat.Uchar)
            {
                for (var i = band; i < pixels.Length; i += bands.Count)
                    pixels[i] = (byte)(((Math.Min(pixels[i], own) * byte.MaxValue) + (own / 2)) / own);
            }
            else if (Format == Enums.BandFormat.Ushort)
            {
                var words = MemoryMarshal.Cast<byte, ushort>(pixels);
                for (var i = band; i < words.Length; i += bands.Count)
                    words[i] = (ushort)(((Math.Min(words[i], own) * (long)Largest) + (own / 2)) / own);
            }
        }
    }

    private Enums.Interpretation Meaning(int count) => (bands[0].Colour, Format) switch
    {
        _ when bands[0].Palette is not null => count == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb,
        (GdalBand.Grey, Enums.BandFormat.Ushort) => Enums.Interpretation.Grey16,
        (GdalBand.Grey, _) => Enums.Interpretation.Bw,
        (GdalBand.Red, Enums.BandFormat.Uchar) when count >= 3 => Enums.Interpretation.Srgb,
        (GdalBand.Red, Enums.BandFormat.Ushort) when count >= 3 => Enums.Interpretation.Rgb16,
        (GdalBand.Cyan, Enums.BandFormat.Uchar or Enums.BandFormat.Ushort) when count >= 4 => Enums.Interpretation.Cmyk,
        _ => Enums.Interpretation.Multiband,
    };

    private static Span<byte> LookUp(ReadOnlySpan<byte> places, GdalBand table)
    {
        var colours = empty([places.Length, table.PaletteBands], ScalarType.Byte).bytes;
        for (var i = 0; i < places.Length; i++)
            table.Palette.AsSpan(places[i] * table.PaletteBands, table.PaletteBands).CopyTo(colours[(i * table.PaletteBands)..]);
        return colours;
    }
}
