using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Serving;

/// <summary>A picture of an image and of what in it matters for a model's answer, with that answer in words.</summary>
internal static class AnswerPicture
{
    /// <summary>Opens an image as the network sees it, the whole of it: what is not foreground gets its share of the map, too.</summary>
    /// <param name="path">The file.</param>
    /// <param name="preparation">How the model's images are prepared.</param>
    /// <param name="options">How the file is read; those of the preparation, or with another resolution.</param>
    /// <exception cref="ImageFormatException">The file cannot be read so.</exception>
    /// <exception cref="ArgumentException">The image has other channels than those that the model was trained on.</exception>
    public static NormalizedSource Open(string path, ImagePreparation preparation, ImageOptions options)
    {
        var image = preparation.OpenPixels(path, options);
        if (image.Channels == preparation.Channels)
            return new(image, preparation.Normalization);
        using (image)
            throw new ArgumentException(
                $"'{path}' has {image.Channels} channel(s), but the model was trained on images of {preparation.Channels}.");
    }

    /// <summary>The output that a map explains, with its probability or number as it is told.</summary>
    public static string Answer(ModelDescription description, SaliencyMap map)
    {
        using var scope = NewDisposeScope();
        var task = description.Task;
        var values = ((ScoredTask)task).Values(tensor(map.Scores.ToArray(), [1, map.Scores.Count], device: CPU));
        var value = description.Decision.Calibrate(task, values)[map.Target];
        return task is RegressionTask || (task is MixedTask mixed && mixed.Columns[mixed.Place(map.Target).Column].Task is RegressionTask)
            ? string.Create(CultureInfo.InvariantCulture, $"{task.Outputs[map.Target]} {value:G4}")
            : string.Create(CultureInfo.InvariantCulture, $"{task.Outputs[map.Target]} {value:0.0%}");
    }

    /// <summary>Writes the picture.</summary>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <param name="map">What matters.</param>
    /// <param name="model">The model that it is of.</param>
    /// <param name="description">What is known of that.</param>
    /// <param name="info">The image file's header.</param>
    /// <param name="side">Greatest height and width of the picture without its legend.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path, SaliencyMap map, StreamingClassifier model, ModelDescription description, ImageInfo info, int side)
    {
        var remark = map.Method == SaliencyMethod.ClassActivation && model.Head.Pooling == HeadPooling.Attention
            ? $"Grad-CAM instead of {Overlay.Describe(map)}"
            : Overlay.Describe(map);
        using var photograph = Thumbnail.Read(info, side, description.Preparation.Options);
        var title = $"{Answer(description, map)}: what matters for it";
        Overlay.Write(path, map, photograph, title, Path.GetFileName(info.Path), remark, side);
    }
}
