using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>JPEG, PNG, WebP, HEIF and other formats without tiles: one image, decoded once.</summary>
internal sealed class PhotographContainer : ImageContainer
{
    // Deflate packs 1032 bytes into one; LZW, at its best, 4095 into 12 bits.
    private const double MostFromDeflate = 1032;
    private const double MostFromLzw = 2730;

    private readonly string path;
    private readonly bool hasAlpha;
    private readonly ColourProfile profile;

    public PhotographContainer(string path, byte[] head)
    {
        this.path = path;
        if (FileSignature.PngClaim(head) is { } claim)
            CheckClaim("PNG", claim.Width, claim.Height, (double)claim.Width * claim.Height * claim.BitsPerPixel / 8, MostFromDeflate);
        VipsLibrary.Quieten();
        try
        {
            using var source = new UnmappedFile(path);
            using var image = Image.NewFromSource(source, failOn: Enums.FailOn.Error);
            var turned = image.Contains("orientation") && image.Get("orientation") is int and >= 5 and <= 8;
            long height = turned ? image.Width : image.Height;
            long width = turned ? image.Height : image.Width;
            if (FormatName(image) == "GIF")
                CheckClaim("GIF", width, height, (double)width * height, MostFromLzw);
            Info = new ImageInfo
            {
                Path = path,
                Format = FormatName(image),
                Height = height,
                Width = width,
                Bands = image.Bands,
                Bits = Enums.BandFormat.Ushort == image.Format ? 16 : image.Format is Enums.BandFormat.Float ? 32 : 8,
                FloatingPoint = image.Format is Enums.BandFormat.Float or Enums.BandFormat.Double,
                Levels = [new ImageLevel(height, width, 1)],
                HasColourTable = FileSignature.HasColourTable(head),
                StoredLargest = FileSignature.LargestOfFewBits(head),
            };
            hasAlpha = image.HasAlpha();
            profile = ColourProfile.Of(image);
        }
        catch (VipsException error)
        {
            throw VipsImageSource.Explain(path, error);
        }
    }

    public override ImageInfo Info { get; }

    protected override IImageSource OpenAll(int level, ImageOptions options)
    {
        if (options.Page > 0)
            throw new ImageFormatException(path, $"page {options.Page} was asked for, but the file has one image.");
        return VipsImageSource.Open(path, options, page: -1, subIfd: -1, tiled: false);
    }

    protected override int CountAll(ImageOptions options) => VipsImageSource.CountChannels(path, options, page: -1, subIfd: -1);

    protected override IEnumerable<ImageRemark> OwnRemarks(ImageOptions options, int channels)
    {
        if (hasAlpha)
        {
            var what = options.Alpha switch
            {
                AlphaHandling.Keep => "kept as a band",
                AlphaHandling.Drop => "left out",
                _ => "flattened over white",
            };
            yield return new(ImageAspect.Alpha, $"alpha {what}: {channels} channel{(channels == 1 ? "" : "s")}", true);
        }

        if (profile.Exists)
        {
            var isApplied = options.ApplyColourProfile && profile.Space is "RGB" or "CMYK";
            yield return new(
                ImageAspect.Profile,
                isApplied
                    ? $"colours are turned from the profile '{profile.Name}' to sRGB"
                    : $"the colour profile '{profile.Name}' is not applied",
                false);
        }
    }

    /// <summary>More than a compression can make of a file is claimed in damage or malice, whatever the memory.</summary>
    private void CheckClaim(string format, long width, long height, double bytes, double mostOfByte)
    {
        var length = FileSize.Of(path);
        if (width <= 0 || height <= 0 || bytes > (length * mostOfByte) + 1024)
        {
            throw new ImageFormatException(
                path,
                $"this {format} file is damaged: it claims {width} x {height} (width x height) pixels, "
                    + $"which its {length} bytes cannot hold.");
        }
    }

    private static string FormatName(Image image)
    {
        var loader = image.Contains("vips-loader") ? image.Get("vips-loader") as string ?? "" : "";
        var end = loader.IndexOf("load", StringComparison.Ordinal);
        return end > 0 ? loader[..end].ToUpperInvariant() : "image";
    }
}
