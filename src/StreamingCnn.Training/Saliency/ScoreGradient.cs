using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>The gradient of one score with respect to an image, streamed into a file.</summary>
internal static class ScoreGradient
{
    /// <summary>Adds the gradient to a file.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="image">What the network sees.</param>
    /// <param name="target">The output; null for the one with the largest score.</param>
    /// <param name="file">As many channels as the image has.</param>
    /// <param name="factor">Factor of the gradient.</param>
    /// <param name="replace">Whether nothing stands in the file yet.</param>
    /// <returns>The scores, and the output that was differentiated.</returns>
    public static (Tensor Scores, int Target) AddTo(
        RasterFile file, StreamingClassifier model, IImageSource image, int? target, double factor = 1, bool replace = true)
    {
        using var scope = NewDisposeScope();
        using var frozen = new FrozenParameters(model);
        var scores = model.forward(image, (top, rows) => file.Add(top, rows, factor, replace));
        var chosen = target ?? Largest(scores);
        scores[0, chosen].backward();
        return (scores.detach().to(ScalarType.Float64).cpu().MoveToOuterDisposeScope(), chosen);
    }

    /// <summary>The output with the largest score.</summary>
    public static int Largest(Tensor scores) => (int)scores.argmax(1).item<long>();
}
