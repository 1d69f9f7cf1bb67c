using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Masks;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn info</c>: what is in an image file, whether it can be read, and a small picture on request.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "Image file: slide, TIFF, JPEG, PNG, WebP, HEIF or NumPy array." };
        var thumbnail = new Option<string?>("--thumbnail") { Description = "PNG file to write a small picture to." };
        var side = CommonOptions.Number("--thumbnail-side", "Greatest height and width of the small picture, in pixels.", 1024, 16);
        var mask = new Option<string?>("--mask")
        {
            Description = "Mask file, not 0 where the image's foreground is: say where that is and how much is background."
        };
        var check = new Option<bool>("--check")
        {
            Description = "Decode every tile, however long that takes. Photographs and small images are always decoded."
        };
        var statistics = new Option<bool>("--statistics")
        {
            Description = "Read every pixel and print of each band the least and greatest value, mean, deviation, the 2nd and 98th percentile "
                + "and the share without data, as stored."
        };
        var foreground = new Option<bool>("--foreground")
        {
            Description = "Find the foreground (tissue) by Otsu's threshold and say where it is and how much is background."
        };
        var command = new AnnouncedCommand("info", "Show size, levels, resolution and layout of an image file, and whether it can be read.")
        {
            file, thumbnail, side, statistics, foreground, mask, check,
        };
        var reading = new ReadingOptions();
        foreach (var option in reading.All)
            command.Add(option);
        command.FirstLine = parsed => $"Reading {parsed.GetValue(file)}.";
        command.SetAction(parsed =>
        {
            var options = reading.Of(parsed);
            var found = ImageReading.Of(parsed.GetValue(file)!, options);
            var info = found.Info;
            // An image that was cut short may have a sound header: only decoding it tells.
            ImageCheck.Read(info.Path, parsed.GetValue(check), options: options);
            foreach (var (name, value) in Describe(found))
                Console.WriteLine(Printable.Of($"{name,-14}{value}"));
            if (parsed.GetValue(statistics))
            {
                foreach (var line in StatisticsTable.Lines(BandStatistics.Measure(info.Path, options)))
                    Console.WriteLine(Printable.Of(line));
            }

            if (parsed.GetValue(foreground))
                Console.WriteLine($"{"foreground",-14}{Foreground(TissueMask.Otsu(info, parsed.GetValue(side), options))}");
            if (parsed.GetValue(mask) is { } maskFile)
                Console.WriteLine($"{"mask",-14}{Foreground(TissueMask.FromFile(maskFile, info.Height, info.Width))}");
            if (parsed.GetValue(thumbnail) is { } target)
            {
                using var picture = Thumbnail.Read(info, parsed.GetValue(side), options);
                ImageFile.Write(picture, target);
                var shown = picture.Remark.Length > 0 ? $": {picture.Remark}" : "";
                Console.WriteLine(Printable.Of($"{"thumbnail",-14}{target}, {picture.Height} x {picture.Width} px{shown}"));
            }

            return Program.Success;
        });
        return command;
    }

    /// <summary>The lines of the answer: a name and a value each.</summary>
    internal static IEnumerable<(string Name, string Value)> Describe(ImageReading reading)
    {
        var info = reading.Info;
        yield return ("file", Text($"{info.Path}, {FileSize.Of(info.Path) / 1e6:0.##} MB"));
        yield return ("format", info.Format);
        yield return ("size", Text($"{info.Height} x {info.Width} px (height x width), {info.Height * (double)info.Width / 1e6:0.###} MP"));
        var kind = info.FloatingPoint ? ", floating point" : info.Signed ? ", with a sign" : "";
        yield return ("samples", Text($"{info.Bands} of {info.Bits} bits{kind}"));
        if (info.BandNames.Count > 0)
            yield return ("bands", string.Join(", ", info.BandNames.Select((name, i) => name is null ? $"{i + 1}" : $"{i + 1} {name}")));
        yield return ("channels", Text($"{reading.Channels}{(reading.Bands.Length > 0 ? $", of {reading.Bands}" : "")}"));
        foreach (var remark in reading.Remarks.Where(remark => remark.Aspect is not ImageAspect.Bands))
            yield return (Name(remark.Aspect), remark.Text + (remark.IsDoubtful ? ReadingOptions.Instead(remark.Aspect) : ""));
        if (info.GeoReference is { } ground)
        {
            foreach (var (i, line) in Place(ground, info).Index())
                yield return (i == 0 ? "place" : "", line);
        }

        yield return ("layout", info.Tile is not { } tile ? "no tiles: decoded once, when it is opened"
            : tile.Width == info.Width && tile.Height != tile.Width ? Text($"strips of {tile.Height} rows, read one by one")
            : Text($"tiles of {tile.Height} x {tile.Width} px, read one by one"));
        for (var i = 0; i < info.Levels.Count; i++)
            yield return (
                i == 0 ? "levels" : "",
                Text($"{i}: {info.Levels[i].Height} x {info.Levels[i].Width} px, 1/{info.Levels[i].Downsample:0.##}"));
        if (info.AssociatedImages.Count > 0)
            yield return ("beside it", string.Join(", ", info.AssociatedImages));
    }

    /// <summary>Where the image lies on the ground: the system of coordinates, and its corners in it.</summary>
    private static IEnumerable<string> Place(GeoReference ground, ImageInfo info)
    {
        var system = ground.Epsg is { } epsg ? Text($"EPSG:{epsg}") : "coordinates of a system without an EPSG number";
        if (!ground.IsAffine)
        {
            yield return $"{system}, known of some points alone, which maps of it get";
            yield break;
        }

        yield return $"{system}, upper left {Corner(0, 0)}, upper right {Corner(info.Width, 0)}";
        yield return $"lower left {Corner(0, info.Height)}, lower right {Corner(info.Width, info.Height)}";

        string Corner(double x, double y)
        {
            var (east, north) = ground.ToMap(x, y);
            return Text($"({Math.Round(east, 6)}, {Math.Round(north, 6)})");
        }
    }

    private static string Name(ImageAspect aspect) => aspect switch
    {
        ImageAspect.NoData => "no data",
        _ => aspect.ToString().ToLowerInvariant(),
    };

    private static string Foreground(TissueMask mask) => mask.BoundingBox() is { } box
        ? Text($"{mask.ForegroundShare:0.0%}, {1 - mask.ForegroundShare:0.0%} is background; all of it in {box.Height} x {box.Width} px from row {box.Top}, column {box.Left}")
        : "none";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
