using System.Globalization;
using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>A slide in a vendor's format (NDPI, MRXS, SCN, JPEG 2000 SVS, ...) that OpenSlide reads.</summary>
internal sealed class OpenSlideContainer : ImageContainer
{
    public OpenSlideContainer(string path)
    {
        using var slide = OpenSlideHandle.Open(path);
        var levels = new List<ImageLevel>();
        var count = OpenSlideNative.openslide_get_level_count(slide.Slide);
        for (var level = 0; level < count; level++)
        {
            OpenSlideNative.openslide_get_level_dimensions(slide.Slide, level, out var width, out var height);
            levels.Add(new ImageLevel(height, width, OpenSlideNative.openslide_get_level_downsample(slide.Slide, level)));
        }

        slide.ThrowOnError();
        var (across, down) = (Size("openslide.mpp-x"), Size("openslide.mpp-y"));
        Info = new ImageInfo
        {
            Path = path,
            Format = $"OpenSlide ({slide.Property("openslide.vendor")})",
            Height = levels[0].Height,
            Width = levels[0].Width,
            Bands = 3,
            Bits = 8,
            Levels = levels,
            MicrometresPerPixel = across ?? down,
            MicrometresPerPixelDown = down is null || across is null || across == down ? null : down,
            ResolutionOrigin = across is null && down is null ? "not stated" : "OpenSlide",
            Tile = int.TryParse(slide.Property("openslide.level[0].tile-height"), out var tileHeight)
                && int.TryParse(slide.Property("openslide.level[0].tile-width"), out var tileWidth) ? (tileHeight, tileWidth) : null,
            AssociatedImages = Names(OpenSlideNative.openslide_get_associated_image_names(slide.Slide)),
        };

        double? Size(string name) =>
            double.TryParse(slide.Property(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var size) && size > 0 ? size : null;
    }

    public override ImageInfo Info { get; }

    /// <summary>Whether a JPEG is the face of a MIRAX slide, whose pixels lie in a folder of the same name.</summary>
    public static bool IsMirax(string path) =>
        File.Exists(Path.Combine(Path.ChangeExtension(Path.GetFullPath(path), null), "Slidedat.ini"));

    /// <summary>Whether OpenSlide is installed and finds that the file is one of a vendor that it knows.</summary>
    public static bool Knows(string path) => OpenSlideNative.Available && OpenSlideNative.openslide_detect_vendor(path) != nint.Zero;

    protected override IImageSource OpenAll(int level, ImageOptions options) => new OpenSlideSource(Info, level, options.Channels ?? 3);

    private static List<string> Names(nint list)
    {
        var names = new List<string>();
        for (var i = 0; Marshal.ReadIntPtr(list, i * nint.Size) is var name && name != nint.Zero; i++)
            names.Add(Marshal.PtrToStringUTF8(name) ?? "");
        return names;
    }
}
