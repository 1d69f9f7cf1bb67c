using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>The steps from decoded pixels to the channels that are handed out. All of them work pixel by pixel, so windows agree.</summary>
internal static class VipsPixels
{
    /// <summary>The image as windows are handed out.</summary>
    /// <param name="path">The file that it is of.</param>
    /// <param name="image">As it was decoded.</param>
    /// <param name="options">Channels, alpha, colour profile, value range.</param>
    /// <param name="meaning">What the header says of its bands.</param>
    /// <param name="largest">The largest sample that 16 bits hold, where it is not 65535; null otherwise.</param>
    /// <exception cref="VipsException">The colour profile is damaged.</exception>
    /// <exception cref="ImageFormatException">The channels cannot be converted.</exception>
    public static Image Prepare(string path, Image image, ImageOptions options, BandMeaning meaning, double? largest = null)
    {
        image = image.Autorot();
        // CIELAB comes as floating-point numbers, of which nothing further down would know that they are colours.
        if (image.Interpretation is Enums.Interpretation.Matrix or Enums.Interpretation.Lab || image.Coding != Enums.Coding.None)
            image = image.Colourspace(Enums.Interpretation.Srgb);
        image = WithoutAlpha(image, options.Alpha, meaning.AlphaBand ?? (image.HasAlpha() ? image.Bands - 1 : -1), largest ?? Range(image));
        var colours = image.Interpretation == Enums.Interpretation.Cmyk ? 4 : 3;
        if (image.Bands == colours && image.Format is Enums.BandFormat.Uchar or Enums.BandFormat.Ushort)
            (image, largest) = ToStandardColours(image, options, meaning.Profile ?? ColourProfile.Of(image), largest);
        image = ToChannels(path, image, options.Channels);
        return ToFormat(image, options.RawValues, largest ?? ushort.MaxValue);
    }

    private static Image WithoutAlpha(Image image, AlphaHandling handling, int band, double opaque)
    {
        if (band < 0 || band >= image.Bands || image.Bands < 2 || handling == AlphaHandling.Keep)
            return image;
        if (band < image.Bands - 1)
        {
            // libvips takes the last band for alpha, a file may have another after it.
            var others = Enumerable.Range(0, image.Bands).Where(other => other != band).Select(other => image[other]).ToArray();
            image = others[0].Bandjoin([.. others[1..], image[band]]).Copy(interpretation: image.Interpretation);
        }

        return handling == AlphaHandling.Drop
            ? image.ExtractBand(0, n: image.Bands - 1)
            : image.Flatten(background: [opaque], maxAlpha: opaque);
    }

    private static (Image Colours, double? Largest) ToStandardColours(
        Image image, ImageOptions options, ColourProfile profile, double? largest)
    {
        var deep = image.Format == Enums.BandFormat.Ushort;
        var isCmyk = image.Interpretation == Enums.Interpretation.Cmyk;
        if (options.ApplyColourProfile && profile.IsDamaged)
            throw new VipsException("the colour profile is cut short or has no header");
        // A profile of another space than the pixels cannot be meant for them.
        var isApplied = options.ApplyColourProfile && profile.Space == (isCmyk ? "CMYK" : "RGB") && (isCmyk || !profile.IsStandard);
        if (!isApplied && !isCmyk)
            return (image, largest);
        // Conversions of colours are defined for the whole range of 16 bits.
        if (largest is { } stored)
            image = (image * (ushort.MaxValue / stored)).Rint().Cast(Enums.BandFormat.Ushort);
        return (isApplied
            ? ColourProfile.ToStandard(profile.On(image), deep ? 16 : 8)
            : image.Colourspace(deep ? Enums.Interpretation.Rgb16 : Enums.Interpretation.Srgb), null);
    }

    // Grey and colour are made of each other. The first three of more channels need not be red, green and blue, and
    // what the others say would be lost without a word.
    private static Image ToChannels(string path, Image image, int? channels)
    {
        if (channels is null || channels == image.Bands)
            return image;
        if (image.Bands is not (1 or 3))
        {
            throw new ImageFormatException(
                path,
                $"the image has {image.Bands} channels and {channels} were asked for; only 1 or 3 are converted, so choose {channels} of its bands.");
        }

        return channels == 3 ? image.Bandjoin(image, image) : Luminance(image, deep: image.Format == Enums.BandFormat.Ushort);
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
