using System.CommandLine;
using System.Globalization;
using StreamingCnn.Imaging;

namespace StreamingCnn.Cli.Input;

/// <summary>Options that say what the pixels of files mean, for the commands that open images without a model that knows.</summary>
internal sealed class ReadingOptions
{
    /// <summary>Pixels without data: filled, kept, or told by a value.</summary>
    private readonly record struct NoData(NoDataHandling Handling, double? Value);

    private readonly Option<AlphaHandling> alpha = CommonOptions.Choice(
        "--alpha",
        "What becomes of a band that is marked as alpha (flatten: colours are laid over white; keep: it is a band like any other; "
        + "drop: it is left out)",
        AlphaHandling.Flatten);

    private readonly Option<NoData> noData = CommonOptions.Parsed(
        "--nodata",
        "Pixels without data, by the value that a file declares: fill (with the mean, so that the network sees 0), "
        + "keep (values like any other), or a value such as -9999 or nan that means so in all files, and is filled.",
        text => text switch
        {
            "fill" => new NoData(NoDataHandling.Fill, null),
            "keep" => new NoData(NoDataHandling.Keep, null),
            _ => new NoData(
                NoDataHandling.Fill,
                NoDataValue.Parse(text)
                    ?? throw new FormatException($"'{text}' is no value for --nodata; write fill, keep, a number or nan.")),
        },
        "fill");

    private readonly Option<int?> page = CommonOptions.Parsed<int?>(
        "--page",
        "Page of TIFF files to read alone, 0 being the first. "
        + "Default: the first, or the channels in pages of an OME-TIFF or ImageJ stack as one image.",
        text => int.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= 0
            ? value
            : throw new FormatException($"'{text}' is not a page; write a whole number of at least 0."),
        null);

    private readonly Option<ChannelAxis?> axes = CommonOptions.Parsed<ChannelAxis?>(
        "--axes",
        "Where the channels of NumPy arrays of three axes stand: first or last. Default: told from the shape.",
        text => text.ToLowerInvariant() switch
        {
            "first" => ChannelAxis.First,
            "last" => ChannelAxis.Last,
            _ => throw new FormatException($"'{text}' is no value for --axes; write first or last."),
        },
        null);

    private readonly Option<BandChoice?> bands = CommonOptions.Bands("Default: all bands, in the order of the file.");

    public IReadOnlyList<Option> All => [bands, alpha, noData, page, axes];

    /// <exception cref="ArgumentException">Two options do not go together.</exception>
    public ImageOptions Of(ParseResult parsed) => new()
    {
        Bands = parsed.GetValue(alpha) == AlphaHandling.Drop && parsed.GetValue(bands) is { } chosen
            ? throw new ArgumentException(
                $"--alpha drop leaves a band out, and --bands {chosen} names those that are read; leave one of them out.")
            : parsed.GetValue(bands),
        Alpha = parsed.GetValue(alpha),
        NoData = parsed.GetValue(noData).Handling,
        NoDataValue = parsed.GetValue(noData).Value,
        Page = parsed.GetValue(page),
        Axis = parsed.GetValue(axes),
    };

    /// <summary>What could be asked for instead of what was done; nothing for what no option changes.</summary>
    public static string Instead(ImageAspect aspect) => aspect switch
    {
        ImageAspect.Alpha => "; --alpha keep reads all bands, --alpha drop leaves alpha out",
        ImageAspect.NoData => "; --nodata keep takes all values as they are",
        ImageAspect.Pages => "; --page N reads one page alone",
        ImageAspect.Axes => "; --axes last reads it otherwise",
        _ => "",
    };
}
