using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>The steps from decoded pixels to the channels that are handed out. All of them work pixel by pixel, so windows agree.</summary>
internal static class VipsPixels
{
    /// <summary>The image as windows are handed out.</summary>
    /// <param name="image">As it was decoded.</param>
    /// <param name="options">Channels, colour profile, value range.</param>
    /// <param name="alpha">Whether the last band is alpha.</param>
    /// <param name="largest">The largest sample that 16 bits hold, where it is not 65535; null otherwise.</param>
    public static Image Prepare(Image image, ImageOptions options, bool alpha, double? largest = null)
    {
        image = image.Autorot();
        // CIELAB comes as floating-point numbers, of which nothing further down would know that they are colours.
        if (image.Interpretation is Enums.Interpretation.Matrix or Enums.Interpretation.Lab || image.Coding != Enums.Coding.None)
            image = image.Colourspace(Enums.Interpretation.Srgb);
        if (alpha)
            image = largest is { } opaque ? image.Flatten(background: [opaque], maxAlpha: opaque) : image.Flatten(background: [Range(image)]);
        var colours = image.Interpretation == Enums.Interpretation.Cmyk ? 4 : 3;
        if (image.Bands == colours && image.Format is Enums.BandFormat.Uchar or Enums.BandFormat.Ushort)
            (image, largest) = ToStandardColours(image, options, largest);
        image = ToChannels(image, options.Channels);
        return ToFormat(image, options.RawValues, largest ?? ushort.MaxValue);
    }

    private static (Image Colours, double? Largest) ToStandardColours(Image image, ImageOptions options, double? largest)
    {
        var deep = image.Format == Enums.BandFormat.Ushort;
        var profile = options.ApplyColourProfile && image.Contains("icc-profile-data") && !IsStandard(image);
        if (!profile && image.Interpretation != Enums.Interpretation.Cmyk)
            return (image, largest);
        // Conversions of colours are defined for the whole range of 16 bits.
        if (largest is { } stored)
            image = (image * (ushort.MaxValue / stored)).Rint().Cast(Enums.BandFormat.Ushort);
        return (profile
            ? image.IccTransform("srgb", embedded: true, depth: deep ? 16 : 8)
            : image.Colourspace(deep ? Enums.Interpretation.Rgb16 : Enums.Interpretation.Srgb), null);
    }

    private static bool IsStandard(Image image)
    {
        // The profile's name is stored as ASCII or UTF-16 inside it; either way the letters s, R, G, B follow each other, perhaps with zeros between.
        var profile = image.Get("icc-profile-data") as byte[] ?? [];
        return profile.AsSpan().IndexOf("sRGB"u8) >= 0 || profile.AsSpan().IndexOf("s\0R\0G\0B"u8) >= 0;
    }

    private static Image ToChannels(Image image, int? channels)
    {
        if (channels is null || channels == image.Bands)
            return image;
        var deep = image.Format == Enums.BandFormat.Ushort;
        if (channels == 3 && image.Bands >= 3)
            return image.ExtractBand(0, n: 3);
        if (channels == 3)
            return image[0].Bandjoin(image[0], image[0]);
        return image.Bands == 2 ? image[0] : Luminance(image.ExtractBand(0, n: 3), deep);
    }

    // ITU-R 601 weights, which is what most tools mean by grey; rounding is the same for every pixel.
    private static Image Luminance(Image image, bool deep)
    {
        var grey = (image[0] * 0.299) + (image[1] * 0.587) + (image[2] * 0.114);
        return image.Format switch
        {
            Enums.BandFormat.Uchar => grey.Rint().Cast(Enums.BandFormat.Uchar),
            _ when deep => grey.Rint().Cast(Enums.BandFormat.Ushort),
            _ => grey,
        };
    }

    private static Image ToFormat(Image image, bool raw, double largest) => image.Format switch
    {
        Enums.BandFormat.Uchar => image,
        Enums.BandFormat.Ushort when !raw => (image.Cast(Enums.BandFormat.Float) / (largest / 255)).Cast(Enums.BandFormat.Float),
        _ => image.Cast(Enums.BandFormat.Float),
    };

    private static double Range(Image image) => image.Format switch
    {
        Enums.BandFormat.Uchar => 255,
        Enums.BandFormat.Ushort => 65535,
        _ => 1,
    };
}
