using System.Globalization;

namespace StreamingCnn.Imaging;

/// <summary>A JPEG 2000 image, read by GDAL where that is installed: tiles, lower resolutions, and the place on the ground.</summary>
internal sealed class GdalContainer : ImageContainer
{
    /// <summary>What <see cref="ImageInfo.Format"/> says of a file that is compressed with loss.</summary>
    public const string WithLoss = "JPEG 2000, with loss";

    private readonly BandMeaning meaning;
    private readonly GdalBand[] bands;

    public GdalContainer(string path)
    {
        Jpeg2000File.Check(path);
        using var image = GdalHandle.Open(path);
        bands = [.. Enumerable.Range(1, GdalNative.GDALGetRasterCount(image.Data)).Select(number => GdalBand.Of(image, number))];
        if (bands.Length == 0)
            throw new ImageFormatException(path, "this JPEG 2000 file has no pixels that GDAL reads; copy or export it again.");
        meaning = new(Array.FindIndex(bands, band => band.IsAlpha), new ColourProfile([]));
        var place = GdalPlace.Of(path, image);
        var size = Resolution(image, place);
        GdalNative.GDALGetBlockSize(image.FirstBand, out var blockWidth, out var blockHeight);
        Info = new ImageInfo
        {
            Path = path,
            Format = GdalHandle.Entry(image.Data, "COMPRESSION_REVERSIBILITY", "IMAGE_STRUCTURE") == "LOSSY" ? WithLoss : "JPEG 2000",
            Height = GdalNative.GDALGetRasterYSize(image.Data),
            Width = GdalNative.GDALGetRasterXSize(image.Data),
            Bands = bands.Length,
            BandNames = Array.Exists(bands, band => band.Name is not null) ? [.. bands.Select(band => band.Name)] : [],
            Bits = Math.Max(8, bands.Max(band => band.Bits)),
            Signed = bands[0].IsSigned,
            // Of a palette it is an index, and a colour may have several.
            NoData = bands[0].Palette is null ? bands[0].NoData : null,
            StoredLargest = Array.TrueForAll(bands, band => band.Largest is not null) ? bands[0].Largest : null,
            HasColourTable = bands[0].Palette is not null,
            Levels = [.. Levels(image)],
            MicrometresPerPixel = size.Across,
            MicrometresPerPixelDown = size.Across == size.Down ? null : size.Down,
            ResolutionOrigin = size.Origin,
            GeoReference = place,
            Tile = (blockHeight, blockWidth),
        };
    }

    public override ImageInfo Info { get; }

    protected override IImageSource OpenAll(int level, ImageOptions options)
    {
        if (options.Page > 0)
            throw new ImageFormatException(Info.Path, $"page {options.Page} was asked for, but the file has one image.");
        return new GdalSource(Info, level, bands, meaning, options);
    }

    protected override IEnumerable<ImageRemark> OwnRemarks(ImageOptions options, int channels)
    {
        if (meaning.AlphaBand >= 0)
        {
            var what = options.Alpha switch
            {
                AlphaHandling.Keep => "kept as a band",
                AlphaHandling.Drop => "left out",
                _ => "flattened over white",
            };
            yield return new(ImageAspect.Alpha, $"alpha {what}: {channels} channel{(channels == 1 ? "" : "s")}", true);
        }
    }

    // Lower resolutions are parts of the compressed image, each half of the one before, rounded up.
    private static IEnumerable<ImageLevel> Levels(GdalHandle image)
    {
        var (height, width) = (GdalNative.GDALGetRasterYSize(image.Data), GdalNative.GDALGetRasterXSize(image.Data));
        yield return new(height, width, 1);
        for (var level = 1; level <= GdalNative.GDALGetOverviewCount(image.FirstBand); level++)
        {
            var data = image.Level(level);
            if (data == nint.Zero)
                yield break;
            yield return new(GdalNative.GDALGetRasterYSize(data), GdalNative.GDALGetRasterXSize(data), Math.Pow(2, level));
        }
    }

    // GDAL tells of the box for the resolution at which an image was captured as of a TIFF's tags.
    private static StatedResolution Resolution(GdalHandle image, GeoReference? place)
    {
        return Dots("TIFFTAG_XRESOLUTION") is > 0 and var across
            ? StatedResolution.OfDots(
                across,
                Dots("TIFFTAG_YRESOLUTION"),
                isOfInches: GdalHandle.Entry(image.Data, "TIFFTAG_RESOLUTIONUNIT")?.StartsWith('2') == true,
                "boxes for resolution")
            : StatedResolution.OfGround(place?.PixelScale ?? [], "GeoJP2 or GMLJP2");

        double? Dots(string name) => double.TryParse(
            GdalHandle.Entry(image.Data, name), NumberStyles.Float, CultureInfo.InvariantCulture, out var dots) ? dots : null;
    }
}
