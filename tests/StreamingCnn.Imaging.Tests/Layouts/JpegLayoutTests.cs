using BitMiracle.LibTiff.Classic;
using StreamingCnn.Imaging.Tests.Augmentation;
using StreamingCnn.Imaging.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>
/// JPEG tiles and strips of any number of bands, written by one library that shares no code with ours and compared with what it decodes.
/// </summary>
public sealed class JpegLayoutTests : IDisposable
{
    private const int Height = 75;
    private const int Width = 93;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<int, bool, int, bool> Layouts()
    {
        var layouts = new TheoryData<int, bool, int, bool>();
        foreach (var bands in (int[])[1, 2, 3, 4])
        {
            foreach (var tile in (int[])[0, 16, 48])
            {
                layouts.Add(bands, false, tile, bands % 2 == 0);
                layouts.Add(bands, true, tile, tile == 16);
            }
        }

        return layouts;
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Pixels_are_those_of_another_decoder(int bands, bool planar, int tile, bool bigEndian)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder.Path, "jpeg.tif");
        Write(path, bands, planar, tile, bigEndian);
        ImageCheck.Read(path, everyPixel: true);
        using var ours = ImageSource.Open(path, new ImageOptions { Alpha = AlphaHandling.Keep });
        using var other = new ReferenceTiff(path, 0);
        Assert.Equal((bands, Height, Width), (ours.Channels, ours.Height, ours.Width));
        (int, int, int, int)[] windows = [(0, 0, Height, Width), (13, 7, 41, 51), (Height - 1, Width - 1, 1, 1)];
        foreach (var (top, left, height, width) in windows)
        {
            // Two decoders round the cosine transform in ways of their own.
            var difference = (ours.Read(top, left, height, width).to(ScalarType.Float32) - other.Read(top, left, height, width)).abs();
            Assert.InRange(difference.max().ToSingle(), 0, 2);
            Assert.InRange(difference.mean().ToSingle(), 0, 0.2f);
        }
    }

    private static void Write(string path, int bands, bool planar, int tile, bool bigEndian)
    {
        using var tiff = Tiff.Open(path, bigEndian ? "wb" : "wl");
        tiff.SetField(TiffTag.IMAGEWIDTH, Width);
        tiff.SetField(TiffTag.IMAGELENGTH, Height);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, bands);
        tiff.SetField(TiffTag.BITSPERSAMPLE, 8);
        tiff.SetField(TiffTag.PHOTOMETRIC, bands >= 3 ? Photometric.RGB : Photometric.MINISBLACK);
        if (bands is 2 or 4)
            tiff.SetField(TiffTag.EXTRASAMPLES, 1, new short[] { 2 });
        tiff.SetField(TiffTag.PLANARCONFIG, planar ? PlanarConfig.SEPARATE : PlanarConfig.CONTIG);
        tiff.SetField(TiffTag.COMPRESSION, Compression.JPEG);
        tiff.SetField(TiffTag.JPEGQUALITY, 90);
        if (tile > 0)
        {
            tiff.SetField(TiffTag.TILEWIDTH, tile);
            tiff.SetField(TiffTag.TILELENGTH, tile);
        }
        else
        {
            tiff.SetField(TiffTag.ROWSPERSTRIP, 16);
        }

        var samples = planar ? 1 : bands;
        var (height, width) = tile > 0 ? (tile, tile) : (16, Width);
        var block = 0;
        for (var plane = 0; plane < (planar ? bands : 1); plane++)
        {
            for (var top = 0; top < Height; top += height)
            {
                for (var left = 0; left < Width; left += width)
                {
                    var rows = tile > 0 ? tile : Math.Min(height, Height - top);
                    var bytes = new byte[rows * width * samples];
                    for (var i = 0; i < bytes.Length; i++)
                    {
                        var (y, x, band) = (top + (i / samples / width), left + (i / samples % width), plane + (i % samples));
                        bytes[i] = (byte)(128 + (60 * Math.Sin((x + (band * 9)) / 8.0)) + (50 * Math.Cos(y / (6.0 + band))));
                    }

                    var written = tile > 0
                        ? tiff.WriteEncodedTile(block, bytes, bytes.Length)
                        : tiff.WriteEncodedStrip(block, bytes, bytes.Length);
                    Assert.True(written > 0);
                    block++;
                }
            }
        }
    }
}
