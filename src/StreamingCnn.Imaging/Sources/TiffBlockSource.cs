using System.Globalization;
using System.Runtime.InteropServices;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// An image of a TIFF file in a layout that libvips does not read or does not read rightly, assembled from its tiles or strips.
/// </summary>
internal sealed class TiffBlockSource : IImageSource
{
    private readonly string path;
    private readonly TiffDirectory image;
    private readonly ImageOptions options;
    private readonly TiffBlocks blocks;
    private readonly BandMeaning meaning;
    private readonly double missing;
    private readonly byte[]? palette;
    private readonly IReadOnlyCollection<int>? wanted;

    /// <summary>Opens an image; no pixel is decoded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="image">The image in it.</param>
    /// <param name="options">Channels, colour profile, value range.</param>
    /// <param name="meaning">What the header says of its bands.</param>
    /// <param name="slide">Whether the image is a slide, whose tiles are white where nothing was scanned.</param>
    /// <param name="wanted">Of bands in planes of their own those that are decoded, from 0; the others are 0. Null for all.</param>
    /// <exception cref="ImageFormatException">The layout is not read; the message names it.</exception>
    public TiffBlockSource(
        string path, TiffDirectory image, ImageOptions options, BandMeaning meaning, bool slide, IReadOnlyCollection<int>? wanted = null)
    {
        if (TiffLayout.Refusal(image) is { } refusal)
            throw new ImageFormatException(path, refusal);
        VipsLibrary.Quieten();
        this.path = path;
        this.image = image;
        this.options = options;
        this.meaning = meaning;
        this.wanted = wanted;
        palette = image.Photometric == 3 ? Colours() : null;
        var white = slide && image.Photometric is 2 or 6;
        blocks = new TiffBlocks(path, image);
        missing = white ? Largest
            : double.TryParse(image.NoData.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : 0;
        try
        {
            (Height, Width) = image.Orientation is >= 5 and <= 8 ? (image.Width, image.Height) : (image.Height, image.Width);
            using var scope = NewDisposeScope();
            using var pixel = Prepare(Unpack(new ImageRegion(0, 0, 1, 1), decode: false));
            Channels = pixel.Bands;
        }
        catch
        {
            blocks.Dispose();
            throw;
        }
    }

    public int Channels { get; }

    public long Height { get; }

    public long Width { get; }

    private bool Unsigned => image.SampleFormat is 1 or 4;

    private double Largest => Unsigned ? Math.Pow(2, blocks.Bits) - 1 : 1;

    private int PaletteBands => palette!.Length >> image.BitsPerSample;

    private Enums.BandFormat Format => (Unsigned, image.BitsPerSample) switch
    {
        (true, <= 8) => Enums.BandFormat.Uchar,
        (true, <= 16) => Enums.BandFormat.Ushort,
        _ => Enums.BandFormat.Float,
    };

    public Tensor Read(long top, long left, long height, long width)
    {
        var shown = new ImageRegion(top, left, height, width);
        shown.CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        using var window = Prepare(Unpack(TiffOrientation.Stored(image.Orientation, shown, image.Height, image.Width), decode: true));
        return VipsWindow.ToTensor(window).MoveToOuterDisposeScope();
    }

    public void Dispose() => blocks.Dispose();

    private Image Prepare(Image window)
    {
        // As libvips does where it decodes.
        if (image.IsAlphaAssociated && palette is null)
        {
            var opaque = Format == Enums.BandFormat.Uchar ? 255 : Largest;
            window = window.Unpremultiply(maxAlpha: opaque, alphaBand: image.AlphaBand).Cast(Format);
        }

        try
        {
            return VipsPixels.Prepare(
                path, window, options, meaning, Format == Enums.BandFormat.Ushort && blocks.Bits < 16 ? Largest : null);
        }
        catch (VipsException error)
        {
            throw VipsImageSource.OfProfile(path, error);
        }
    }

    // The window lives in a tensor of the scope around.
    private unsafe Image Unpack(ImageRegion region, bool decode)
    {
        var sample = Format switch { Enums.BandFormat.Uchar => 1, Enums.BandFormat.Ushort => 2, _ => 4 };
        var bands = image.SamplesPerPixel;
        var pixels = empty([region.Height * region.Width * bands * sample], ScalarType.Byte).bytes;
        if (!decode || wanted is not null)
            pixels.Clear();
        if (decode)
            Fill(pixels, region, sample);
        Spread(pixels);
        if (palette is not null)
        {
            pixels = LookUp(pixels);
            bands = PaletteBands;
        }

        fixed (byte* start = pixels)
        {
            var window = Image.NewFromMemory((IntPtr)start, (ulong)pixels.Length, (int)region.Width, (int)region.Height, bands, Format);
            var described = window.Copy(interpretation: Meaning(bands));
            return described.Mutate(header =>
            {
                header.Set(GValue.GIntType, "orientation", image.Orientation is >= 1 and <= 8 ? image.Orientation : 1);
            });
        }
    }

    private void Fill(Span<byte> pixels, ImageRegion region, int sample)
    {
        var planes = image.Planar ? image.SamplesPerPixel : 1;
        for (var row = region.Top; row < region.Top + region.Height;)
        {
            var (first, rows) = blocks.RowsAt(row);
            var end = Math.Min(first + rows, region.Top + region.Height);
            for (var column = region.Left; column < region.Left + region.Width;)
            {
                var start = column / blocks.BlockWidth * blocks.BlockWidth;
                var count = (int)(Math.Min(start + blocks.BlockWidth, region.Left + region.Width) - column);
                for (var plane = 0; plane < planes; plane++)
                {
                    if (wanted?.Contains(plane) == false)
                        continue;
                    var block = blocks.Get(plane, row, column);
                    for (var y = row; y < end; y++)
                    {
                        var place = ((((y - region.Top) * region.Width) + column - region.Left) * image.SamplesPerPixel) + plane;
                        var samples = block is null ? [] : block.AsSpan((int)(y - first) * blocks.RowBytes, blocks.RowBytes);
                        var from = (int)(column - start) * blocks.Samples;
                        Copy(samples, from, count * blocks.Samples, pixels[(int)(place * sample)..], planes);
                    }
                }

                column += count;
            }

            row = end;
        }
    }

    // Without samples, as many that are missing.
    private void Copy(ReadOnlySpan<byte> samples, int first, int count, Span<byte> target, int step)
    {
        switch (Format)
        {
            case Enums.BandFormat.Uchar when samples.IsEmpty:
                Repeat(target, (byte)Math.Clamp(Math.Round(missing), 0, Largest), count, step);
                break;
            case Enums.BandFormat.Uchar:
                TiffSamples.ToBytes(samples, blocks.Bits, first, count, target, step);
                break;
            case Enums.BandFormat.Ushort when samples.IsEmpty:
                Repeat(MemoryMarshal.Cast<byte, ushort>(target), (ushort)Math.Clamp(Math.Round(missing), 0, Largest), count, step);
                break;
            case Enums.BandFormat.Ushort:
                TiffSamples.ToWords(samples, blocks.Bits, first, count, MemoryMarshal.Cast<byte, ushort>(target), step);
                break;
            case var _ when samples.IsEmpty:
                Repeat(MemoryMarshal.Cast<byte, float>(target), (float)missing, count, step);
                break;
            default:
                var floats = MemoryMarshal.Cast<byte, float>(target);
                TiffSamples.ToFloats(samples, image.SampleFormat, blocks.Bits, first, count, floats, step);
                break;
        }
    }

    private static void Repeat<T>(Span<T> target, T value, int count, int step)
    {
        for (var i = 0; i < count; i++)
            target[i * step] = value;
    }

    // Few grey bits are spread over 0..255, and where zero means white the first band is turned over, as libvips does it.
    private void Spread(Span<byte> pixels)
    {
        var largest = (1 << blocks.Bits) - 1;
        var inverted = image.Photometric == 0 && Unsigned;
        if (Format == Enums.BandFormat.Uchar)
        {
            if (palette is not null || (largest == 255 && !inverted))
                return;
            for (var i = 0; i < pixels.Length; i++)
            {
                var value = inverted && i % image.SamplesPerPixel == 0 ? largest - pixels[i] : pixels[i];
                pixels[i] = (byte)(((value * 255) + (largest / 2)) / largest);
            }
        }
        else if (inverted && Format == Enums.BandFormat.Ushort)
        {
            var words = MemoryMarshal.Cast<byte, ushort>(pixels);
            for (var i = 0; i < words.Length; i += image.SamplesPerPixel)
                words[i] = (ushort)(largest - words[i]);
        }
        else if (inverted)
        {
            var floats = MemoryMarshal.Cast<byte, float>(pixels);
            for (var i = 0; i < floats.Length; i += image.SamplesPerPixel)
                floats[i] = (float)(Largest - floats[i]);
        }
    }

    // As libvips sets it, since alpha and colours go by it.
    private Enums.Interpretation Meaning(int bands) => (image.Photometric, Format) switch
    {
        (null or 0 or 1, Enums.BandFormat.Ushort) => Enums.Interpretation.Grey16,
        (null or 0 or 1, _) => Enums.Interpretation.Bw,
        (3, _) => bands == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb,
        (2 or 6, Enums.BandFormat.Ushort) when bands >= 3 => Enums.Interpretation.Rgb16,
        (2 or 6, Enums.BandFormat.Float) when bands >= 3 && image.SampleFormat == 3 => Enums.Interpretation.Scrgb,
        (2 or 6, _) when bands >= 3 => Enums.Interpretation.Srgb,
        (5, _) when bands >= 4 && image.InkSet == 1 => Enums.Interpretation.Cmyk,
        _ => Enums.Interpretation.Multiband,
    };

    // Red, green and blue of each index, or grey alone where they are all the same; old files have them in 8 bits.
    private byte[] Colours()
    {
        var size = 1 << image.BitsPerSample;
        var shift = image.Palette.Take(3 * size).Any(value => value > 255) ? 8 : 0;
        bool IsGrey(int index) =>
            image.Palette[index] == image.Palette[size + index] && image.Palette[index] == image.Palette[(2 * size) + index];
        var bands = Enumerable.Range(0, size).All(IsGrey) ? 1 : 3;
        return [.. Enumerable.Range(0, size * bands).Select(i => (byte)(image.Palette[(i % bands * size) + (i / bands)] >> shift))];
    }

    private Span<byte> LookUp(ReadOnlySpan<byte> indices)
    {
        var bands = PaletteBands;
        var colours = empty([indices.Length, bands], ScalarType.Byte).bytes;
        for (var i = 0; i < indices.Length; i++)
            palette.AsSpan(indices[i] * bands, bands).CopyTo(colours[(i * bands)..]);
        return colours;
    }
}
