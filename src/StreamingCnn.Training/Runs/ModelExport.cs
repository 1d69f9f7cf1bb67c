using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Training.Heads;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Runs;

/// <summary>Writes trained models for other programs.</summary>
public static class ModelExport
{
    // The linear layer among a trunk with its head.
    private const string Linear = "head.classifier.";

    private const string PyTorch = ".pth";

    /// <summary>
    /// Writes trunk and head as one network from an image to its scores, [N, outputs], before any softmax; or, of a model that gives
    /// maps, to those, [N, outputs, H, W]. What the model is described by goes along as metadata.
    /// </summary>
    /// <param name="model">The model: a <see cref="StreamingClassifier"/>, or one of maps.</param>
    /// <param name="description">What it is described by.</param>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="takesPixels">
    /// Whether the file scales what it gets as training does, and takes the values of files; otherwise it takes what the model takes.
    /// </param>
    /// <exception cref="UnsupportedOnnxException">A layer has no form in ONNX; the message names it.</exception>
    /// <exception cref="ArgumentException">The model looks at the foreground of images alone.</exception>
    public static void Write(TrainableModel model, ModelDescription description, string path, bool takesPixels = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(description);
        if (description.Preparation.CountsForegroundAlone)
            throw new ArgumentException("The model looks at the foreground of images alone, which a network in a file of ONNX does not find; write its weights as .safetensors or .pth instead, or train without --foreground.", nameof(description));
        var metadata = (description with { Structure = null }).ToMetadata().ToDictionary();
        metadata["takes"] = takesPixels ? "pixels" : "normalised values";
        OnnxExport.Write(Whole(model), path, new()
        {
            Channels = description.Preparation.Channels,
            Preprocessing = takesPixels ? Scaling(description) : null,
            Metadata = metadata,
        });
    }

    /// <summary>
    /// Writes parameters and buffers of trunk and head under the names that the network is published with, so that PyTorch loads them into
    /// torchvision's or timm's: as safetensors, or, where the file's name ends in <c>.pth</c>, as PyTorch's own. Where the published
    /// classifier has more than a linear layer behind an average, or the head pools otherwise, or classifies each position, the head's
    /// names begin with <c>head.</c>.
    /// </summary>
    /// <param name="model">The model: a <see cref="StreamingClassifier"/>, or one of maps.</param>
    /// <param name="description">What it is described by.</param>
    /// <param name="path">The file; replaced in one step.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void WriteWeights(TrainableModel model, ModelDescription description, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(description);
        var published = model is StreamingClassifier { Head.Pooling: HeadPooling.Average }
            ? NetworkClassifier.LinearName(model.Trunk)
            : null;
        var named = Whole(model).state_dict().ToDictionary(
            entry => published is not null && entry.Key.StartsWith(Linear, StringComparison.Ordinal)
                ? $"{published}.{entry.Key[Linear.Length..]}"
                : entry.Key,
            entry => entry.Value);
        if (path.EndsWith(PyTorch, StringComparison.OrdinalIgnoreCase))
        {
            PyTorchStateDict.Write(path, named);
            return;
        }

        Safetensors.Write(path, named, new Dictionary<string, string>(description.Preparation.ToMetadata())
        {
            ["outputs"] = string.Join('\n', description.Task.Outputs),
            ["format"] = "pt",
        });
    }

    /// <summary>Trunk and head, from an image of any size. All that is in it is the model's, so there is nothing to dispose.</summary>
    private static Module<Tensor, Tensor> Whole(TrainableModel model) => model switch
    {
        StreamingClassifier classifier => new TrunkWithHead(classifier.Trunk, classifier.Head),
        StreamingMapRegressor numbers => numbers.Scaled(OfMaps(numbers)),
        StreamingMapModel maps => OfMaps(maps),
        _ => model.Trunk,
    };

    private static Module<Tensor, Tensor> OfMaps(StreamingMapModel model) =>
        model.Head is { } head ? new TrunkWithDenseHead(model.Trunk, head, isOfAnySize: true) : model.Trunk;

    /// <summary>(pixel / scale - mean) / deviation as a difference and a quotient.</summary>
    private static (IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation) Scaling(ModelDescription description)
    {
        var (channels, normalization) = (description.Preparation.Channels, description.Preparation.Normalization);
        return (Each(normalization.Mean), Each(normalization.Deviation));

        // One number may be that of all channels.
        double[] Each(IReadOnlyList<float> values) =>
            [.. Enumerable.Range(0, channels).Select(channel => (double)values[Math.Min(channel, values.Count - 1)] * normalization.Scale)];
    }
}
