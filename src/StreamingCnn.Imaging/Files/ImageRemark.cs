namespace StreamingCnn.Imaging;

/// <summary>What a remark on reading a file is about.</summary>
public enum ImageAspect
{
    /// <summary>Bands, and the channels that they become.</summary>
    Bands,

    /// <summary>A band that says how opaque pixels are.</summary>
    Alpha,

    /// <summary>A value that says that nothing was measured.</summary>
    NoData,

    /// <summary>Several images in one file.</summary>
    Pages,

    /// <summary>The order of an array's axes.</summary>
    Axes,

    /// <summary>Colour profiles.</summary>
    Profile,

    /// <summary>The size of a pixel.</summary>
    Resolution,
}

/// <summary>One thing that is done with a file when it is read, in words.</summary>
/// <param name="Aspect">What it is about.</param>
/// <param name="Text">What is done; a phrase without a full stop.</param>
/// <param name="IsDoubtful">Whether the file could mean something else, so that a person should hear of it.</param>
public sealed record ImageRemark(ImageAspect Aspect, string Text, bool IsDoubtful);

/// <summary>How a file is read, from its header alone.</summary>
/// <param name="Info">What the header says.</param>
/// <param name="Channels">Channels of every window.</param>
/// <param name="Remarks">What is done with the file's bands, pages, profile and so on.</param>
public sealed record ImageReading(ImageInfo Info, int Channels, IReadOnlyList<ImageRemark> Remarks)
{
    /// <summary>The bands that were chosen in words, such as <c>bands 4 (nir), 3, 2</c>; empty where all are read.</summary>
    public string Bands { get; init; } = "";

    /// <summary>What the file calls the band of each channel; the band's number from 1 where it does not say.</summary>
    public IReadOnlyList<string> ChannelNames { get; init; } = [];

    /// <summary>Finds out how a file would be read; no pixel is decoded.</summary>
    /// <param name="path">As for <see cref="ImageSource.Open(string, ImageOptions?)"/>.</param>
    /// <param name="options">As for <see cref="ImageSource.Open(string, ImageOptions?)"/>.</param>
    /// <exception cref="ImageFormatException">The header cannot be read so; the message is one sentence.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static ImageReading Of(string path, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new ImageOptions();
        options.Validate();
        var container = ImageContainer.Find(path, options);
        var channels = container.Channels(options);
        return new(container.Info, channels, [.. container.Remarks(options, channels)])
        {
            ChannelNames = container.ShortNamesOf(options, channels),
            Bands = options.Bands is null ? "" : container.Describe(options),
        };
    }
}
