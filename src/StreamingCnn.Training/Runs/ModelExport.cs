using StreamingCnn.Onnx;
using StreamingCnn.Training.Heads;

namespace StreamingCnn.Training.Runs;

/// <summary>Writes trained models as files of ONNX.</summary>
public static class ModelExport
{
    /// <summary>
    /// Writes trunk and head as one network from an image to its scores, [N, outputs], before any softmax. What the model is described by
    /// goes along as metadata.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="description">What it is described by.</param>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="takesPixels">
    /// Whether the file scales what it gets as training does, and takes the values of files; otherwise it takes what the model takes.
    /// </param>
    /// <exception cref="UnsupportedOnnxException">A layer has no form in ONNX; the message names it.</exception>
    public static void Write(StreamingClassifier model, ModelDescription description, string path, bool takesPixels = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(description);
        var metadata = (description with { Structure = null }).ToMetadata().ToDictionary();
        metadata["takes"] = takesPixels ? "pixels" : "normalised values";
        using var network = new TrunkWithHead(model.Features.Trunk, model.Head);
        OnnxExport.Write(network, path, new()
        {
            Channels = description.Preparation.Channels,
            Preprocessing = takesPixels ? Scaling(description) : null,
            Metadata = metadata,
        });
    }

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
