using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>From a raw map to the heat that is shown, and to files of it; libvips takes both through memory in strips.</summary>
internal static class HeatImage
{
    // Beyond three standard deviations a Gaussian is below a hundredth of its height.
    private const double SmallestAmplitude = 0.01;

    /// <summary>Writes the blurred magnitude of a raw map to another file.</summary>
    /// <param name="raw">The raw map.</param>
    /// <param name="heat">One channel, of the same size.</param>
    /// <param name="isSigned">Whether negative values count as 0; otherwise the largest absolute value of the channels is taken.</param>
    /// <param name="blur">Standard deviation in pixels; 0 for none. Beyond the border the image's last pixel goes on.</param>
    public static void Write(RasterFile raw, RasterFile heat, bool isSigned, double blur) => Run(heat.Path, () =>
    {
        using var loaded = Load(raw);
        var magnitude = isSigned ? loaded.Clamp(min: 0, max: float.MaxValue) : LargestOfBands(loaded.Abs());
        using var blurred = blur > 0 ? magnitude.Gaussblur(blur, minAmpl: SmallestAmplitude, precision: Enums.Precision.Float) : magnitude;
        blurred.Rawsave(heat.Path);
    });

    /// <summary>Writes a map as a tiled pyramid of float32 in a BigTIFF, compressed without loss.</summary>
    /// <param name="map">The map.</param>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="limit">The value at which it is clipped; null not to clip.</param>
    /// <param name="micrometresPerPixel">Resolution of the map; null when it is not known.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void WriteTiff(RasterFile map, string path, double? limit, double? micrometresPerPixel) => Run(path, () =>
    {
        var part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            // Neither colours nor light, but numbers: viewers are to show them on a scale of their own.
            var perMillimetre = micrometresPerPixel is { } size ? 1000 / size : 1;
            using var loaded = Load(map);
            using var clipped = limit is { } most ? loaded.Clamp(min: 0, max: most) : loaded.Copy();
            using var image = clipped.Copy(interpretation: map.Channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Multiband, xres: perMillimetre, yres: perMillimetre);
            image.Tiffsave(
                part, compression: Enums.ForeignTiffCompression.Deflate, predictor: Enums.ForeignTiffPredictor.None, tile: true, tileWidth: 256, tileHeight: 256, pyramid: true,
                bigtiff: true, resunit: Enums.ForeignTiffResunit.Cm);
            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    });

    private static Image Load(RasterFile file)
    {
        using var loaded = Image.Rawload(file.Path, checked((int)file.Width), checked((int)file.Height), file.Channels, format: Enums.BandFormat.Float);
        return loaded.Copy(interpretation: Enums.Interpretation.Multiband);
    }

    private static Image LargestOfBands(Image image)
    {
        var largest = image[0];
        for (var band = 1; band < image.Bands; band++)
            largest = largest.Maxpair(image[band]);
        return largest;
    }

    private static void Run(string path, Action work)
    {
        try
        {
            work();
        }
        catch (Exception error) when (error is VipsException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be written: {error.Message.Split('\n')[0].TrimEnd('.')}.", error);
        }
    }
}
