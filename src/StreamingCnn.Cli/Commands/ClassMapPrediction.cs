using System.Globalization;
using System.Text;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Commands;

/// <summary>What <c>scnn predict</c> does with a model that gives maps of classes: counts of each class, and a table of regions.</summary>
/// <param name="predictor">The model.</param>
/// <param name="folder">Where the files go.</param>
/// <param name="options">Which files.</param>
internal sealed class ClassMapPrediction(Predictor predictor, string folder, MapFilesOptions options)
    : MapPrediction(predictor, folder, options.ListRegions ? [Counts, Objects] : [Counts])
{
    private static readonly (string Name, string Header) Counts = ("counts.csv", "image,class,pixels,share,area um^2,regions");

    private static readonly (string Name, string Header) Objects =
        ("objects.csv", "image,class,pixels,left,top,width,height,x,y,map x,map y");

    /// <inheritdoc/>
    private protected override (string[] Lines, long Pixels) Predict(ImageItem image, string stem, Action<string> tell)
    {
        var (summary, place, pixels) = Predictor.WriteMap(image, stem, options, tell);
        var (counts, objects) = (new StringBuilder(), new StringBuilder());
        var name = PredictionText.Quote(image.Path);
        foreach (var known in summary.Classes)
        {
            counts.Append(CultureInfo.InvariantCulture, $"{name},{PredictionText.Quote(known.Class.Name)},{known.Positions},");
            counts.Append(CultureInfo.InvariantCulture, $"{known.Share:R},{known.SquareMicrometres:R},{known.Regions}\n");
        }

        foreach (var region in summary.Regions)
        {
            var (left, top) = place.InFile(region.Box.Left, region.Box.Top);
            var (x, y) = place.InFile(region.Centre.X, region.Centre.Y);
            objects.Append(CultureInfo.InvariantCulture, $"{name},{PredictionText.Quote(summary.Classes[region.Number].Class.Name)},{region.Area},");
            objects.Append(CultureInfo.InvariantCulture, $"{left:0.##},{top:0.##},{region.Box.Width * place.Across:0.##},");
            objects.Append(CultureInfo.InvariantCulture, $"{region.Box.Height * place.Down:0.##},{x:0.##},{y:0.##},");
            objects.Append(place.GeoReference is { IsAffine: true } ground ? InMap(ground.ToMap(x, y)) : ",").Append('\n');
        }

        return ([counts.ToString(), objects.ToString()], pixels);
    }

    private static string InMap((double X, double Y) point) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Round(point.X, 9)},{Math.Round(point.Y, 9)}");
}
