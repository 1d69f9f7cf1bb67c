using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Training.Saliency;

namespace StreamingCnn.Training.Maps;

/// <summary>
/// Makes files of a map of scores while it is computed, rectangle by rectangle: classes, probabilities, outlines, counts and a picture. The
/// map is never held whole.
/// </summary>
public static class MapFiles
{
    /// <summary>Runs a network, and writes what is asked for.</summary>
    /// <param name="run">Hands the scores out, such as <c>sink => streaming.Run(image, sink)</c>.</param>
    /// <param name="stem">Path of the files without their endings.</param>
    /// <param name="size">Height and width of the map.</param>
    /// <param name="classes">The classes, in the order of the scores; with one score for two classes both.</param>
    /// <param name="place">Where the map lies in the image file.</param>
    /// <param name="photograph">Opens the image as people see it, small; asked only where there is to be a picture.</param>
    /// <param name="options">Which files.</param>
    /// <param name="missing">Opens where the image has no data, or gives null for nowhere; null for nowhere.</param>
    /// <returns>What the map holds.</returns>
    /// <exception cref="ArgumentException">
    /// The map has not the number of classes, or not the size; or the image has no coordinates of a map.
    /// </exception>
    /// <exception cref="InvalidDataException">A score is not a finite number.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static MapSummary Write(
        Action<IMapSink> run,
        string stem,
        (long Height, long Width) size,
        IReadOnlyList<MapClass> classes,
        MapPlace place,
        Func<IImageSource> photograph,
        MapFilesOptions options,
        Func<NoDataMask?>? missing = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(stem);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(place);
        ArgumentNullException.ThrowIfNull(photograph);
        ArgumentNullException.ThrowIfNull(options);
        var files = new List<string>();
        var image = place.Image(size.Height, size.Width);
        // With as many classes as a byte has values none is left for positions without data.
        using var ofClasses = classes.Count < MapClass.Most ? missing?.Invoke() : null;
        using var ofProbabilities = options.Probabilities is null ? null : missing?.Invoke();
        using var classMap = options.ClassMap
            ? new ClassMapFile(File("classes.tif"), classes, image with { NoData = ofClasses is null ? null : MapClass.NoData })
            : null;
        using var probabilities = options.Probabilities is { } samples
            ? new ProbabilityFile(
                File("probabilities.tif"),
                samples,
                image with
                {
                    Description = $"Probabilities: {string.Join(", ", classes.Select(known => known.Name))}",
                    ChannelNames = [.. classes.Select(known => known.Name)],
                },
                ofProbabilities)
            : null;
        using var polygons = options.Polygons ? new PolygonFile(File("polygons.geojson"), classes, place, options.InMap) : null;
        var grid = options.Overlay ? new ClassGrid(classes, options.OverlaySide) : null;
        var counts = new ClassCounts();
        var (found, regions) = (new long[classes.Count], new List<MapRegion>());
        var tracer = new RegionTracer(Take, leastArea: options.LeastArea, missing: ofClasses is null ? null : MapClass.NoData);

        IClassRows?[] rows = [counts, tracer, classMap, grid];
        using var sink = new ClassMapSink([.. rows.OfType<IClassRows>()], options.Threshold, ofClasses);
        IMapSink?[] sinks = [new CheckedSink(classes.Count, size), sink, probabilities];
        run(new JoinedSink([.. sinks.OfType<IMapSink>()]));
        sink.Complete();
        probabilities?.Complete();
        polygons?.Complete();
        var empty = ofClasses is null ? 0 : counts.Positions[MapClass.NoData];
        var full = Math.Max(1, ((double)size.Height * size.Width) - empty);
        var summary = new MapSummary(
            [.. classes.Select((known, number) => new ClassSummary(
                known,
                counts.Positions[number],
                counts.Positions[number] / full,
                counts.Positions[number] * place.SquareMicrometres,
                found[number]))],
            regions,
            files)
        {
            NoData = empty,
        };
        if (grid is not null)
        {
            using var picture = photograph();
            ClassOverlay.Write(File("overlay.png"), grid, Legend(summary), picture, Path.GetFileName(stem), (picture as SmallPicture)?.Remark ?? "");
        }

        return summary;

        string File(string ending)
        {
            files.Add($"{stem}.{ending}");
            return files[^1];
        }

        void Take(MapRegion region)
        {
            found[region.Number]++;
            polygons?.Write(region);
            if (options.ListRegions)
                regions.Add(region with { Rings = [] });
        }
    }

    /// <summary>What there is of each class behind the first, which is not coloured.</summary>
    private static List<(MapClass Class, string Text)> Legend(MapSummary summary) =>
    [
        .. summary.Classes.Skip(1).Select(known => (known.Class, string.Create(
            CultureInfo.InvariantCulture, $"{known.Class.Name}: {known.Share:0.00%}, {known.Regions} region(s)"))),
    ];

    /// <summary>Says that a map is another one than was expected, before anything is written.</summary>
    private sealed class CheckedSink(int classes, (long Height, long Width) size) : IMapSink
    {
        public void Begin(long batch, long channels, long height, long width)
        {
            if (channels != classes && !(channels == 1 && classes == 2))
                throw new ArgumentException($"The map has scores of {channels} class(es), but {classes} are named.");
            if ((height, width) != size)
                throw new ArgumentException($"The map has {height} x {width} positions, and not {size.Height} x {size.Width}.");
        }

        public void Write(long top, long left, TorchSharp.torch.Tensor values)
        {
        }
    }
}
