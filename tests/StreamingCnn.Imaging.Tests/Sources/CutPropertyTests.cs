using CsCheck;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Tests.Augmentation;
using StreamingCnn.Imaging.Tests.Generators;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>
/// The law that streaming rests on, for random combinations of everything at once: whatever the kind of file, the resolution, the crop and the augmentation, a region read in
/// pieces is the region read whole.
/// </summary>
public sealed class CutPropertyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>The kinds of files, each made small so that many combinations can be tried, and whether it states its resolution.</summary>
    private static readonly string[] Kinds = ["rgb.png", "grey.png", "deep.png", "picture.jpg", "pyramid.tif", "strips.tif", "float.tif", "array.npy"];

    private static readonly Gen<ImageOptions> Resolution = Gen.OneOf(
        Gen.Const(new ImageOptions()),
        Gen.Double[0.5, 4].Select(factor => new ImageOptions { Downsample = factor }),
        Gen.Double[0.6, 3].Select(size => new ImageOptions { MicrometresPerPixel = size }),
        Gen.Int[0, 2].Select(level => new ImageOptions { Level = level }));

    private static readonly Gen<AugmentationOptions> Augmentation =
        from geometry in Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Double[0, 180], Gen.Double[0, 12], Gen.Double[3, 90])
        from use in Gen.Bool.Array[6]
        from strength in Gen.Double[0.01, 0.5].Array[5]
        from crop in Gen.Select(Gen.Long[1, 200], Gen.Long[1, 200], Gen.Int[0, 4])
        select new AugmentationOptions
        {
            Mirror = geometry.Item1,
            Flip = geometry.Item2,
            QuarterTurns = geometry.Item3,
            Rotation = use[0] ? geometry.Item4 : 0,
            Elastic = use[1] ? geometry.Item5 : 0,
            ElasticSpacing = geometry.Item6,
            Brightness = use[2] ? strength[0] : 0,
            Contrast = use[2] ? strength[1] : 0,
            Saturation = use[3] ? strength[2] : 0,
            Hue = use[3] ? strength[3] * 100 : 0,
            Stain = use[4] ? strength[4] : 0,
            Crop = use[5] ? (crop.Item1, crop.Item2) : null,
            Cutouts = crop.Item3,
        };

    public CutPropertyTests()
    {
        using var scope = NewDisposeScope();
        foreach (var (name, channels) in ((string, int)[])[("rgb.png", 3), ("grey.png", 1), ("pyramid.tif", 3)])
        {
            // The pyramid is of three levels; each tile is used by several windows.
            var (height, width) = name == "pyramid.tif" ? (601, 547) : (141, 133);
            using var source = new TensorImageSource(AugmentationTests.Picture(height, width)[0].narrow(0, 0, channels));
            ImageFile.Write(source, In(name));
        }

        using var picture = NetVips.Image.NewFromFile(In("rgb.png"));
        using var scaled = (picture * 251.0).Cast(NetVips.Enums.BandFormat.Ushort).Copy(interpretation: NetVips.Enums.Interpretation.Rgb16);
        using var real = (picture / 3.0).Cast(NetVips.Enums.BandFormat.Float);
        scaled.Pngsave(In("deep.png"));
        picture.Jpegsave(In("picture.jpg"));
        // 2000 pixels in a millimetre: half a micrometre each.
        picture.Tiffsave(In("strips.tif"), xres: 2000, yres: 2000, resunit: NetVips.Enums.ForeignTiffResunit.Cm);
        real.Tiffsave(In("float.tif"));
        ArrayFile.Write(In("array.npy"), 97, 111, 3);
    }

    [Fact]
    public void A_region_read_in_pieces_is_the_region_read_whole() =>
        Gen.Select(Gen.Int[0, Kinds.Length - 1].Select(i => Kinds[i]), Resolution, Augmentation, Gen.Int[0, 1000], Gen.Double[0, 1].Array[4], Gen.Double[0, 1].Array[0, 3], Gen.Double[0, 1].Array[0, 3])
            .Sample(
                (kind, resolution, augmentation, seed, region, rowCuts, columnCuts) =>
                {
                    var info = ImageInfo.Read(In(kind));
                    if (resolution.MicrometresPerPixel is not null && info.MicrometresPerPixel is null)
                        resolution = new ImageOptions { Downsample = resolution.MicrometresPerPixel };
                    resolution = resolution with { Level = resolution.Level is { } level ? Math.Min(level, info.Levels.Count - 1) : null };
                    using var scope = NewDisposeScope();
                    using var source = augmentation.Apply(ImageSource.Open(In(kind), resolution), seed);
                    return InPieces(source, region, rowCuts, columnCuts);
                },
                iter: 300,
                threads: 1);

    [Theory]
    [InlineData("wsi/CMU-1-Small-Region.svs")]
    [InlineData("wsi/test3-DAPI-2-387.ndpi")]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif")]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif")]
    public void So_it_is_in_slides(string name)
    {
        var path = SampleFiles.GetDecodable(name);
        Gen.Select(Gen.Double[3, 9], Augmentation, Gen.Int[0, 1000], Gen.Double[0, 1].Array[4], Gen.Double[0, 1].Array[0, 2], Gen.Double[0, 1].Array[0, 2])
            .Sample(
                (factor, augmentation, seed, region, rowCuts, columnCuts) =>
                {
                    using var scope = NewDisposeScope();
                    using var source = augmentation.Apply(ImageSource.Open(path, new ImageOptions { Downsample = factor }), seed);
                    return InPieces(source, region, rowCuts, columnCuts);
                },
                iter: 6,
                threads: 1);
    }

    public void Dispose() => folder.Dispose();

    private string In(string name) => Path.Combine(folder.Path, name);

    /// <summary>Reads a region at one go and again in a grid of pieces, the last first.</summary>
    private static bool InPieces(IImageSource source, double[] region, double[] rowCuts, double[] columnCuts)
    {
        var (top, bottom) = Ends(region[0], region[1], source.Height);
        var (left, right) = Ends(region[2], region[3], source.Width);
        var whole = source.Read(top, left, bottom - top, right - left);
        foreach (var (y0, y1) in Pieces(top, bottom, rowCuts))
        {
            foreach (var (x0, x1) in Pieces(left, right, columnCuts))
            {
                if (!Windows.Same(source.Read(y0, x0, y1 - y0, x1 - x0), whole.narrow(2, y0 - top, y1 - y0).narrow(3, x0 - left, x1 - x0)))
                    return false;
            }
        }

        return true;
    }

    private static (long First, long End) Ends(double a, double b, long length)
    {
        var (first, last) = ((long)(Math.Min(a, b) * (length - 1)), (long)(Math.Max(a, b) * (length - 1)));
        return (first, last + 1);
    }

    private static IEnumerable<(long First, long End)> Pieces(long first, long end, double[] cuts)
    {
        List<long> edges = [first, .. cuts.Select(cut => first + (long)(cut * (end - first))).Where(edge => edge > first && edge < end).Distinct().Order(), end];
        return edges.Zip(edges.Skip(1)).Reverse();
    }
}
