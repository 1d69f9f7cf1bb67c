using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>Runs that differ in their seed alone.</summary>
/// <param name="Name">What the arm is called.</param>
/// <param name="Runs">Folders of the runs, or files of weights.</param>
internal sealed record Arm(string Name, IReadOnlyList<string> Runs)
{
    /// <summary>Reads <c>name=folder,folder,...</c>.</summary>
    /// <exception cref="FormatException">It is not written so.</exception>
    public static Arm Parse(string text)
    {
        var parts = text.Split('=', 2);
        return parts.Length == 2 && parts[0].Length > 0 && parts[1].Length > 0
            ? new(parts[0], parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            : throw new FormatException(
                $"'{text}' is no arm; write a name and the folders of its runs, such as full=runs/full-1,runs/full-2.");
    }

    /// <summary>How probable each run thinks pitting in each image.</summary>
    /// <param name="images">Paths of the images.</param>
    /// <returns>For each run the logarithm of the odds by path: probabilities near 1 would run into each other.</returns>
    public IReadOnlyList<Dictionary<string, double>> Score(IReadOnlyCollection<string> images) => [.. Runs.Select(run =>
    {
        var (model, description) = ModelDescription.Load(RunFolder.WeightsOf(run), new() { FrozenBatchNorm = true });
        using (model)
        {
            var samples = images.Select(path => new TrainingSample(path, 0, _ => description.Preparation.Open(path))).ToArray();
            return ImageModel.Predict(model, description.Task, samples)
                .ToDictionary(prediction => prediction.Sample.Name, prediction => Math.Log(prediction.Values[1] / prediction.Values[0]));
        }
    })];
}
