using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// A picture for people: the image, small, with the upper half of the map's scale laid over it in colours, and a legend below.
/// </summary>
public static class Overlay
{
    // Images smaller than this are enlarged by a whole factor, or the legend would be wider than the picture.
    internal const int SmallestSide = 800;

    // How much of the photograph shows through the least and the hottest colour.
    private const double LeastCover = 0.45;
    private const double MostCover = 0.85;

    // The photograph's colours are held back, so that those of the map stand out.
    private const double Saturation = 0.5;

    // Of red, green and blue (ITU-R BT.601).
    private static readonly float[] Luminance = [0.299f, 0.587f, 0.114f];

    /// <summary>Writes the picture.</summary>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <param name="map">The map.</param>
    /// <param name="photograph">
    /// The image as people see it: 1 or 3 channels on the scale 0 to 255, of any size up to some thousand pixels, with the same field of
    /// view. Stays the caller's.
    /// </param>
    /// <param name="title">What the map explains.</param>
    /// <param name="name">What the image is called.</param>
    /// <param name="remark">How the map was made; null for its settings.</param>
    /// <param name="side">Greatest height and width of the picture without the legend.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path, SaliencyMap map, IImageSource photograph, string title, string name = "", string? remark = null, int side = 1600)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(photograph);
        ArgumentNullException.ThrowIfNull(title);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 16);
        using var scope = NewDisposeScope();
        using var pause = new CollectionPause();
        var grid = HeatGrid.Of(map.HeatFile, side);
        var factor = Math.Max(1, Math.Min(SmallestSide, side) / Math.Max(grid.Height, grid.Width));
        var (height, width) = ((long)grid.Height * factor, (long)grid.Width * factor);
        var photo = Muted(photograph, height, width, factor > 1);
        if (map.Limit > 0)
            photo = Covered(photo, grid, map.Limit);

        var legend = Legend.Draw(
            (int)Math.Max(width, SmallestSide),
            title,
            name,
            remark ?? Describe(map),
            map.Limit,
            map.Percentile,
            (photograph as SmallPicture)?.Remark ?? "");
        WriteAbove(legend, photo, path);
    }

    /// <summary>The picture without a legend, as the bytes of a JPEG.</summary>
    /// <param name="map">The map.</param>
    /// <param name="photograph">The image as people see it, as for <see cref="Write"/>. Stays the caller's.</param>
    /// <param name="side">Greatest height and width.</param>
    public static byte[] Jpeg(SaliencyMap map, IImageSource photograph, int side = 320)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(photograph);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 16);
        using var scope = NewDisposeScope();
        var grid = HeatGrid.Of(map.HeatFile, side);
        var photo = Muted(photograph, grid.Height, grid.Width, isEnlarged: false);
        if (map.Limit > 0)
            photo = Covered(photo, grid, map.Limit);
        using var picture = new TensorImageSource(photo.round().clamp(0, 255).to(ScalarType.Byte).unsqueeze(0));
        return ImageBytes.Jpeg(picture);
    }

    /// <summary>
    /// The colours of heat over an image that stays in sight: as in <see cref="Write"/> from half of the limit on; what is less fades out.
    /// </summary>
    /// <param name="steps">How many, from 0 to the limit.</param>
    /// <returns>Red, green, blue and opacity of each, one after the other. The first is transparent.</returns>
    public static byte[] Colours(int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        var colours = new byte[steps * 4];
        for (var step = 0; step < steps; step++)
        {
            var share = (double)step / (steps - 1);
            var upper = Math.Max(0, (2 * share) - 1);
            var cover = share >= 0.5 ? LeastCover + ((MostCover - LeastCover) * upper) : LeastCover * 4 * share * share;
            var at = upper * (ColourScale.Stops.Length - 1);
            var first = Math.Min((int)at, ColourScale.Stops.Length - 2);
            for (var part = 0; part < 3; part++)
            {
                var (from, to) = (ColourScale.Stops[first][part], ColourScale.Stops[first + 1][part]);
                colours[(step * 4) + part] = (byte)Math.Round(from + ((to - from) * (at - first)));
            }

            colours[(step * 4) + 3] = (byte)Math.Round(255 * cover);
        }

        return colours;
    }

    /// <summary>A map's settings in words.</summary>
    public static string Describe(SaliencyMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        var method = map.Method switch
        {
            SaliencyMethod.ClassActivation => "class activation",
            SaliencyMethod.Attention => "attention",
            SaliencyMethod.SmoothGrad => "SmoothGrad",
            _ => "gradient of the score",
        };
        var blur = map.Blur > 0 ? $"blurred by {map.Blur:0.#} px" : "not blurred";
        var clip = map.Percentile < 100 ? $"clipped at the {map.Percentile:0.##}th percentile" : "not clipped";
        return FormattableString.Invariant($"{method}, {map.Height} x {map.Width} px, {blur}, {clip}").ToString(
            System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Writes a picture with its legend below; a narrow one stands in the middle above it.</summary>
    /// <param name="legend">[3, H, W], uint8, at least as wide as the picture.</param>
    /// <param name="photo">The picture, [3, h, w], 0 to 255.</param>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    internal static void WriteAbove(Tensor legend, Tensor photo, string path)
    {
        using var scope = NewDisposeScope();
        var margin = legend.shape[2] - photo.shape[2];
        var framed = nn.functional.pad(photo.unsqueeze(0), [margin / 2, margin - (margin / 2), 0, 0], value: 255)[0];
        using var picture = new TensorImageSource(cat([framed.round().clamp(0, 255).to(ScalarType.Byte), legend], 1).unsqueeze(0));
        ImageFile.Write(picture, path);
    }

    /// <summary>The photograph in the size of the picture, its colours held back. [3, H, W], 0 to 255.</summary>
    internal static Tensor Muted(IImageSource photograph, long height, long width, bool isEnlarged)
    {
        using var scope = NewDisposeScope();
        var pixels = photograph.Read(0, 0, photograph.Height, photograph.Width).to(ScalarType.Float32);
        if (pixels.shape[1] == 1)
            pixels = pixels.expand(1, 3, -1, -1);
        var photo = (isEnlarged
            ? nn.functional.interpolate(pixels, [height, width], mode: InterpolationMode.Nearest)
            : nn.functional.interpolate(
                pixels, [height, width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true))[0];
        var luminance = (photo * tensor(Luminance, [3, 1, 1])).sum(0, keepdim: true);
        return luminance.expand_as(photo).lerp(photo, Saturation).MoveToOuterDisposeScope();
    }

    /// <summary>The photograph with the upper half of the map's scale over it. [3, H, W].</summary>
    private static Tensor Covered(Tensor photo, HeatGrid grid, double limit)
    {
        using var scope = NewDisposeScope();
        var heat = tensor(grid.Values, [1, 1, grid.Height, grid.Width]) / limit;
        if (photo.shape[1] != grid.Height)
            heat = nn.functional.interpolate(heat, photo.shape[1..], mode: InterpolationMode.Bilinear, align_corners: false);
        var upper = ((heat[0, 0] - 0.5) * 2).clamp(0, 1);
        var cover = (LeastCover + ((MostCover - LeastCover) * upper)) * heat[0, 0].ge(0.5).to(ScalarType.Float32);
        return photo.lerp(ColourScale.Of(upper), cover.unsqueeze(0)).MoveToOuterDisposeScope();
    }
}
