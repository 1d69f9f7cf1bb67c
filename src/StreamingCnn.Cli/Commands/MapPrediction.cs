using System.Globalization;
using System.Text;
using StreamingCnn.Cli.Input;
using StreamingCnn.Distributed;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Commands;

/// <summary>What <c>scnn predict</c> does with a model that gives a map of classes: files of each image, and a table of all.</summary>
/// <param name="predictor">The model.</param>
/// <param name="folder">Where the files go.</param>
/// <param name="options">Which files.</param>
internal sealed class MapPrediction(Predictor predictor, string folder, MapFilesOptions options)
{
    private const string Counts = "counts.csv";
    private const string Objects = "objects.csv";

    /// <summary>Refuses images whose files would have the same names.</summary>
    /// <exception cref="ArgumentException">Two images are called the same.</exception>
    public static void CheckNames(IReadOnlyList<ImageItem> files)
    {
        if (files.GroupBy(file => Path.GetFileNameWithoutExtension(file.Path)).FirstOrDefault(group => group.Count() > 1) is { } twins)
            throw SaliencyCommand.SameNames(twins.First().Path, twins.Last().Path, twins.Key);
    }

    /// <summary>Predicts images, each process its own.</summary>
    /// <param name="files">The images.</param>
    /// <param name="tell">Takes a remark.</param>
    /// <param name="fail">Takes a sentence on an image that fails.</param>
    /// <param name="progress">Is told of images that are done.</param>
    /// <param name="job">The processes.</param>
    /// <param name="cancellation">Ends it behind an image.</param>
    /// <returns>How many images are done.</returns>
    public int Run(
        IReadOnlyList<ImageItem> files,
        Action<string> tell,
        Action<string> fail,
        IProgress<TrainingProgress> progress,
        Job job,
        CancellationToken cancellation)
    {
        var counts = new StringBuilder("image,class,pixels,share,area um^2,regions\n");
        var objects = new StringBuilder("image,class,pixels,left,top,width,height,x,y,map x,map y\n");
        var told = new HashSet<string>(StringComparer.Ordinal);
        var (done, succeeded, pixels) = (0, 0, 0L);
        while (done < files.Count && !job.Any(cancellation.IsCancellationRequested))
        {
            var images = Math.Min(job.Ranks.Size, files.Count - done);
            var own = job.Ranks.Rank < images ? One(files[done + job.Ranks.Rank]) : default;
            Span<double> sums = [own.Counts is null ? 0 : 1, own.Pixels];
            job.Ranks.Sum(sums);
            (succeeded, pixels) = (succeeded + (int)sums[0], pixels + (long)sums[1]);
            counts.AppendJoin("", job.Ranks.Gather(own.Counts ?? ""));
            objects.AppendJoin("", job.Ranks.Gather(own.Objects ?? ""));
            done += images;
            progress.Report(new(0, done, files.Count, double.NaN, pixels));
        }

        if (job.IsFirst && succeeded > 0)
        {
            Write(Counts, counts);
            if (options.ListRegions)
                Write(Objects, objects);
        }

        return succeeded;

        (string? Counts, string? Objects, long Pixels) One(ImageItem image)
        {
            try
            {
                return Predict(image, note => tell($"Note: {image.Path}: {note}."), told);
            }
            catch (PredictionException failure)
            {
                fail($"Image '{image.Path}' cannot be predicted: {failure.Message}");
                return default;
            }
        }
    }

    private (string Counts, string Objects, long Pixels) Predict(ImageItem file, Action<string> tell, HashSet<string> told)
    {
        var stem = Path.Combine(folder, Path.GetFileNameWithoutExtension(file.Path));
        var (summary, place, pixels) = predictor.WriteMap(file, stem, options, doubt =>
        {
            if (told.Add(doubt))
                tell(doubt);
        });
        var (counts, objects) = (new StringBuilder(), new StringBuilder());
        var name = PredictionText.Quote(file.Path);
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

        return (counts.ToString(), objects.ToString(), pixels);
    }

    private static string InMap((double X, double Y) point) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Round(point.X, 9)},{Math.Round(point.Y, 9)}");

    private void Write(string name, StringBuilder text) =>
        AtomicFile.Write(Path.Combine(folder, name), file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
}
