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

/// <summary>What <c>scnn predict</c> does with a model that gives maps: files of each image, and tables of all.</summary>
/// <param name="predictor">The model.</param>
/// <param name="folder">Where the files go.</param>
/// <param name="tables">The tables: a file's name and its first line each.</param>
internal abstract class MapPrediction(Predictor predictor, string folder, IReadOnlyList<(string Name, string Header)> tables)
{
    /// <summary>The model.</summary>
    private protected Predictor Predictor => predictor;

    /// <summary>Refuses images whose files would have the same names.</summary>
    /// <exception cref="ArgumentException">Two images are called the same.</exception>
    public static void CheckNames(IReadOnlyList<ImageItem> files)
    {
        if (files.GroupBy(file => Path.GetFileNameWithoutExtension(file.Path)).FirstOrDefault(group => group.Count() > 1) is { } twins)
            throw SaliencyCommand.SameNames(twins.First().Path, twins.Last().Path, twins.Key);
    }

    /// <summary>Predicts images, each process its own, or all of them one after the other.</summary>
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
        StringBuilder[] texts = [.. tables.Select(table => new StringBuilder($"{table.Header}\n"))];
        var rounds = new PredictionRounds(
            predictor, job, tell, (image, sentence) => fail($"Image '{image.Path}' cannot be predicted: {sentence}"));
        var (done, succeeded, pixels) = (0, 0, 0L);
        while (done < files.Count && !job.Any(cancellation.IsCancellationRequested))
        {
            var images = rounds.Next(files.Count - done);
            var own = rounds.Own(files, done, images, One)?.Result;
            Span<double> sums = [own is null ? 0 : 1, own?.Pixels ?? 0];
            rounds.Sum(sums);
            (succeeded, pixels) = (succeeded + (int)sums[0], pixels + (long)sums[1]);
            foreach (var (table, text) in texts.Index())
                text.AppendJoin("", job.Ranks.Gather(own?.Lines[table] ?? ""));
            done += images;
            progress.Report(new(0, done, files.Count, double.NaN, pixels));
        }

        if (job.IsFirst && succeeded > 0)
        {
            foreach (var (table, text) in tables.Zip(texts))
                AtomicFile.Write(Path.Combine(folder, table.Name), file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
        }

        return succeeded;

        (string[] Lines, long Pixels) One(ImageItem image, Action<string> doubt) =>
            Predict(image, Path.Combine(folder, Path.GetFileNameWithoutExtension(image.Path)), doubt);
    }

    /// <summary>Writes the files of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="stem">Path of its files without their endings.</param>
    /// <param name="tell">Takes what is doubtful about it.</param>
    /// <returns>Its lines of each table, each with its end; and its pixels.</returns>
    /// <exception cref="PredictionException">It cannot be predicted.</exception>
    private protected abstract (string[] Lines, long Pixels) Predict(ImageItem image, string stem, Action<string> tell);
}
