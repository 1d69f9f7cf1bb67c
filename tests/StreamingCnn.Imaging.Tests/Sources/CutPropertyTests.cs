using CsCheck;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Generators;
using StreamingCnn.Imaging.Tests.Augmentation;
using StreamingCnn.Imaging.Tests.Generators;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>
/// The law that streaming rests on, for random combinations of everything at once: whatever the kind of file, the resolution, the crop and
/// the augmentation, a region read in pieces is the region read whole.
/// </summary>
public sealed class CutPropertyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>The kinds of files, each made small so that many combinations can be tried, and whether it states its resolution.</summary>
    private static readonly string[] Kinds =
    [
        "rgb.png",
        "grey.png",
        "deep.png",
        "clear.png",
        "colours.png",
        "bits.png",
        "picture.jpg",
        "inks.jpg",
        "lying.jpg",
        "picture.webp",
        "pyramid.tif",
        "strips.tif",
        "lying.tif",
        "wide.tif", "lab.tif", "float.tif", "array.npy", "deep.npy", "float.raw", "needles", "sums",
    ];

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
            Offset = (int)(crop.Item1 % 30),
            OffsetShare = 0.8,
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
        ArrayFile.Write(In("deep.npy"), 83, 45, 3, "<u2", 2);
        ArrayFile.Write(In("float.raw"), 60, 31, 2, "<f4", 4);
        WriteVariants(picture);
    }

    private void WriteVariants(NetVips.Image picture)
    {
        using var alpha = picture[1];
        using var clear = picture.Bandjoin(alpha);
        clear.Pngsave(In("clear.png"));
        picture.Pngsave(In("colours.png"), palette: true);
        using var bits = alpha.RelationalConst(NetVips.Enums.OperationRelational.More, [128]);
        bits.Pngsave(In("bits.png"), bitdepth: 1);
        picture.Webpsave(In("picture.webp"), lossless: true);
        using var inks = picture.IccTransform("cmyk", inputProfile: "srgb");
        inks.Jpegsave(In("inks.jpg"), keep: NetVips.Enums.ForeignKeep.Icc);
        using var wide = picture.IccTransform("p3", inputProfile: "srgb");
        wide.Tiffsave(In("wide.tif"), tile: true, tileWidth: 32, tileHeight: 32);
        using var lab = picture.Colourspace(NetVips.Enums.Interpretation.Lab);
        lab.Tiffsave(In("lab.tif"), tile: true, tileWidth: 64, tileHeight: 64);
        using var lying = picture.Mutate(image => image.Set(NetVips.GValue.GIntType, "orientation", 6));
        lying.Jpegsave(In("lying.jpg"), keep: NetVips.Enums.ForeignKeep.All);
        lying.Tiffsave(In("lying.tif"), tile: true, tileWidth: 48, tileHeight: 48);
    }

    [Fact]
    public void A_region_read_in_pieces_is_the_region_read_whole() =>
        Gen.Select(
            Gen.Int[0, Kinds.Length - 1].Select(i => Kinds[i]),
            Resolution,
            Augmentation,
            Gen.Int[0, 1000],
            Gen.Double[0, 1].Array[4],
            Gen.Double[0, 1].Array[0, 3],
            Gen.Double[0, 1].Array[0, 3])
            .Sample(
                (kind, resolution, augmentation, seed, region, rowCuts, columnCuts) =>
                {
                    using var scope = NewDisposeScope();
                    var opened = Open(kind, resolution, seed);
                    // Colours can be changed where there are one or three.
                    if (opened.Channels is not (1 or 3))
                        augmentation = augmentation with { Brightness = 0, Contrast = 0, Saturation = 0, Hue = 0 };
                    using var source = augmentation.Apply(opened, seed, place: seed % 3);
                    return InPieces(source, region, rowCuts, columnCuts);
                },
                iter: 400,
                threads: 1);

    [Fact]
    public void Channels_are_known_from_the_header_alone() => Assert.All(
        Kinds.Where(kind => Path.GetExtension(kind) is not ("" or ".raw")),
        kind =>
        {
            foreach (var channels in new[] { null, Path.GetExtension(kind) == ".npy" ? 3 : (int?)1, 3 })
            {
                using var opened = ImageSource.Open(In(kind), new() { Channels = channels });
                Assert.Equal(opened.Channels, ImageSource.Channels(In(kind), new() { Channels = channels }));
            }

            // All but the first half of the file is gone: the channels are told, and the pixels are not there.
            if (kind is not ("picture.jpg" or "lying.jpg" or "rgb.png"))
                return;
            var cut = In("cut-" + kind);
            File.WriteAllBytes(cut, File.ReadAllBytes(In(kind))[..(int)(new FileInfo(In(kind)).Length / 2)]);
            Assert.Equal(3, ImageSource.Channels(cut));
            Assert.Throws<ImageFormatException>(() => ImageSource.Open(cut));
        });

    [Theory]
    [InlineData("wsi/CMU-1-Small-Region.svs")]
    [InlineData("wsi/test3-DAPI-2-387.ndpi")]
    [InlineData("tiff/cmu1-pyramid-jpeg-t256.tif")]
    [InlineData("tiff/land-mask-36000x18000-cog.tif")]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif")]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif")]
    public void So_it_is_in_slides(string name)
    {
        var path = SampleFiles.GetDecodable(name);
        var info = ImageInfo.Read(path);
        // Windows of a size that a test can afford: by factor, by level, by resolution.
        var smallest = Math.Max(3, info.Width / 1500.0);
        Gen.Select(
            Gen.Select(Gen.Double[smallest, 3 * smallest], Gen.Int[0, 2]),
            Augmentation,
            Gen.Int[0, 1000],
            Gen.Double[0, 1].Array[4],
            Gen.Double[0, 1].Array[0, 2],
            Gen.Double[0, 1].Array[0, 2])
            .Sample(
                (resolution, augmentation, seed, region, rowCuts, columnCuts) =>
                {
                    var (factor, way) = resolution;
                    var level = info.Levels.ToList().FindIndex(candidate => candidate.Downsample > smallest * 0.9);
                    var options = way switch
                    {
                        1 when level >= 0 => new ImageOptions { Level = level },
                        2 when info.MicrometresPerPixel is { } own => new ImageOptions { MicrometresPerPixel = own * factor },
                        _ => new ImageOptions { Downsample = factor },
                    };
                    using var scope = NewDisposeScope();
                    using var source = augmentation.Apply(ImageSource.Open(path, options), seed);
                    return InPieces(source, region, rowCuts, columnCuts);
                },
                iter: 6,
                threads: 1);
    }

    public void Dispose() => folder.Dispose();

    private string In(string name) => Path.Combine(folder.Path, name);

    /// <summary>Opens a source of a kind at a resolution, or at the nearest to it that the kind has.</summary>
    private IImageSource Open(string kind, ImageOptions resolution, int seed)
    {
        if (kind is "needles" or "sums")
        {
            var image = kind == "needles"
                ? new NeedleGenerator(150, seed, noise: 30).Generate(seed)
                : new UltraMnistGenerator(150, seed).Generate(seed);
            return resolution.Downsample is { } factor ? new ResampledSource(image, (long)(150 / factor), (long)(150 / factor)) : image;
        }

        if (kind == "float.raw")
        {
            if (resolution.MicrometresPerPixel is not null || resolution.Level is not null)
                resolution = new ImageOptions();
            return ImageSource.OpenRaw(In(kind), new RawLayout(60, 31, 2, RawSamples.Float32, ArrayFile.HeaderBytes), resolution);
        }

        var info = ImageInfo.Read(In(kind));
        if (resolution.MicrometresPerPixel is not null && info.MicrometresPerPixel is null)
            resolution = new ImageOptions { Downsample = resolution.MicrometresPerPixel };
        return ImageSource.Open(
            In(kind), resolution with { Level = resolution.Level is { } level ? Math.Min(level, info.Levels.Count - 1) : null });
    }

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
        List<long> edges = [
            first,
            .. cuts.Select(cut => first + (long)(cut * (end - first))).Where(edge => edge > first && edge < end).Distinct().Order(),
            end
        ];
        return edges.Zip(edges.Skip(1)).Reverse();
    }
}
