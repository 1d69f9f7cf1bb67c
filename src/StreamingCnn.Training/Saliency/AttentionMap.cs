using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>Where a head with attention looks; see <see cref="SaliencyMethod.Attention"/>.</summary>
internal static class AttentionMap
{
    /// <summary>Computes the map and writes it, enlarged, to a file of one channel.</summary>
    /// <param name="file">The file.</param>
    /// <param name="model">The model, in evaluation mode, with attention.</param>
    /// <param name="image">What the network sees.</param>
    /// <param name="target">The output that the map belongs to; null for the one with the largest score.</param>
    /// <param name="folder">Folder for the file that scores wait in.</param>
    /// <returns>The scores of the outputs, and the output.</returns>
    public static (Tensor Scores, int Target) WriteTo(
        RasterFile file, StreamingClassifier model, IImageSource image, int? target, string folder)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var type = model.Head.Classifier.weight.dtype;
        using var attention = new AttentionScores(model.Head);
        using var map = new PositionMap(folder, 1, features => attention.call(features.to(type)));
        var scores = model.Run(image, map);
        map.Join(model.Options);
        var logarithm = map.LogSumExp() - Math.Log(map.Positions);
        map.Enlarge(file, rows => (rows - logarithm).exp());
        return (scores.to(ScalarType.Float64).cpu().MoveToOuterDisposeScope(), target ?? ScoreGradient.Largest(scores));
    }

    /// <summary>A head's scores of positions as a block of their own.</summary>
    private sealed class AttentionScores(PoolingHead head) : StreamingBlock(nameof(AttentionScores))
    {
        public override FeatureMap Trace(FeatureMap input) => head.Attention(input);

        /// <summary>The head belongs to the model.</summary>
        protected override void Dispose(bool disposing) => base.Dispose(false);
    }
}
