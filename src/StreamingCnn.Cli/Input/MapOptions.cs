using System.CommandLine;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Training.Maps;

namespace StreamingCnn.Cli.Input;

/// <summary>Which files a prediction makes of maps of classes.</summary>
internal sealed class MapOptions
{
    private readonly Option<bool> classMap = new("--class-map")
    {
        Description = "Of models that give maps: write NAME.classes.tif, 8 bits with a table of colours, tiles and levels. "
            + "Default, where no file is chosen: this, --polygons and --overlay.",
    };

    private readonly Option<MapSamples?> probabilities = CommonOptions.Parsed<MapSamples?>(
        "--probabilities",
        "Of models that give maps: write NAME.probabilities.tif, a channel for each class; 8: bytes, of 255 for 1; float: numbers of 32 "
        + "bits.",
        text => text.ToLowerInvariant() switch
        {
            "8" => MapSamples.Byte,
            "float" => MapSamples.Float32,
            _ => throw new FormatException($"'{text}' is no type of probabilities; write 8 or float."),
        },
        null);

    private readonly Option<bool> values = new("--values")
    {
        Description = "Of models that give maps of numbers: write NAME.values.tif, numbers of 32 bits, a channel for each, tiles and levels. "
            + "Default, where no file is chosen: this and --overlay.",
    };

    private readonly Option<bool> polygons = new("--polygons")
    {
        Description = "Of models that give maps: write NAME.polygons.geojson, the outlines of regions with classes and colours, for "
            + "QuPath.",
    };

    private readonly Option<bool> inMap = new("--map-coordinates")
    {
        Description = "Write polygons in the coordinates of the image's map, where it is a GeoTIFF. Default: pixels of the file at full "
            + "resolution.",
    };

    private readonly Option<bool> overlay = new("--overlay")
    {
        Description = "Of models that give maps: write NAME.overlay.png, a picture for people.",
    };

    private readonly Option<int> side = CommonOptions.Number(
        "--overlay-side", "Greatest height and width of the overlay in pixels, without its legend.", 1600, 16);

    private readonly Option<bool> objects = new("--objects")
    {
        Description = "Of models that give maps: write objects.csv, with class, area, box and centre of each region.",
    };

    private readonly Option<double?> leastArea = CommonOptions.OptionalReal(
        "--min-area", "Smallest region that is outlined and counted, in pixels that the model reads. Default: all.", 0, double.MaxValue);

    private readonly Option<double?> threshold = CommonOptions.OptionalReal(
        "--threshold",
        "Least probability of the classes behind the first: a pixel belongs to the likeliest of those if it reaches that, else to the "
        + "first. Default: the likeliest class of all.",
        0,
        1);

    private readonly Option<MapAverage> average = CommonOptions.MapAverage();

    /// <summary>Creates the options.</summary>
    public MapOptions() => probabilities.HelpName = "8|float";

    /// <summary>All of them.</summary>
    public IReadOnlyList<Option> All =>
        [classMap, probabilities, values, polygons, inMap, overlay, side, objects, leastArea, threshold, average];

    /// <summary>The first one that was given; null where none was.</summary>
    public Option? Given(ParseResult parsed) => All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false });

    /// <summary>What was chosen of a model that gives maps of numbers.</summary>
    /// <exception cref="ArgumentException">An option is of maps of classes.</exception>
    public NumberFilesOptions ChosenOfNumbers(ParseResult parsed)
    {
        var ofClasses = All.Where(option => option != overlay && option != side && option != values);
        if (ofClasses.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
            throw new ArgumentException($"{given.Name} is of models that give maps of classes, and this one gives numbers; leave it out.");
        var isAnyFile = parsed.GetValue(values) || parsed.GetValue(overlay);
        return new()
        {
            Map = parsed.GetValue(values) || !isAnyFile,
            Overlay = parsed.GetValue(overlay) || !isAnyFile,
            OverlaySide = parsed.GetValue(side),
        };
    }

    /// <summary>What was chosen of a model that gives maps of classes.</summary>
    /// <exception cref="ArgumentException">Two options do not go together.</exception>
    public MapFilesOptions Chosen(ParseResult parsed)
    {
        if (parsed.GetValue(values))
            throw new ArgumentException("--values is of models that give maps of numbers, and this one gives classes; leave it out, or write --probabilities.");
        var isAnyFile = parsed.GetValue(classMap) || parsed.GetValue(polygons) || parsed.GetValue(overlay)
            || parsed.GetValue(probabilities) is not null;
        var chosen = new MapFilesOptions
        {
            ClassMap = parsed.GetValue(classMap) || !isAnyFile,
            Probabilities = parsed.GetValue(probabilities),
            Polygons = parsed.GetValue(polygons) || !isAnyFile,
            InMap = parsed.GetValue(inMap),
            Overlay = parsed.GetValue(overlay) || !isAnyFile,
            OverlaySide = parsed.GetValue(side),
            ListRegions = parsed.GetValue(objects),
            LeastArea = parsed.GetValue(leastArea) ?? 0,
            Threshold = parsed.GetValue(threshold),
            Average = parsed.GetValue(average),
        };
        return chosen.InMap && !chosen.Polygons
            ? throw new ArgumentException("--map-coordinates says how polygons are written, and none are; add --polygons, or leave it out.")
            : chosen;
    }
}
