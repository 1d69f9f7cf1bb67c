using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>Where a trunk's map speaks for a score; see <see cref="SaliencyMethod.ClassActivation"/>.</summary>
internal static class ClassActivation
{
    /// <summary>Computes the map and writes it, enlarged, to a file of one channel.</summary>
    /// <returns>The scores, and the output that was explained.</returns>
    public static (Tensor Scores, int Target) WriteTo(RasterFile file, StreamingClassifier model, IImageSource image, int? target)
    {
        using var scope = NewDisposeScope();
        Tensor features, scores;
        using (no_grad())
            features = model.Features.forward(image);
        features.requires_grad_(true);
        scores = model.Head.call(features);
        var chosen = target ?? ScoreGradient.Largest(scores);
        Tensor weights;
        if (model.Head.Pooling == HeadPooling.Attention)
        {
            autograd.backward([scores[0, chosen]], inputs: [features]);
            weights = features.grad!.mean([2, 3])[0];
        }
        else
        {
            weights = model.Head.Classifier.weight[chosen];
        }

        using (no_grad())
            Enlarge(file, (features * weights.reshape(1, -1, 1, 1)).sum(1, keepdim: true).to(ScalarType.Float32).cpu());
        return (scores.detach().to(ScalarType.Float64).cpu().MoveToOuterDisposeScope(), chosen);
    }

    /// <summary>Bilinear, the edges of map and image being the same.</summary>
    private static void Enlarge(RasterFile file, Tensor map)
    {
        using var pause = new CollectionPause();
        foreach (var (top, count) in file.Bands())
        {
            using var scope = NewDisposeScope();
            file.Write(top, Interpolate(Interpolate(map, 2, file.Height, top, count), 3, file.Width, 0, file.Width));
        }
    }

    private static Tensor Interpolate(Tensor map, long dimension, long length, long start, long count)
    {
        var own = map.shape[dimension];
        var position = ((arange(start, start + count, ScalarType.Float64) + 0.5) * ((double)own / length) - 0.5).clamp(0, own - 1);
        var before = position.floor();
        var weight = (position - before).to(ScalarType.Float32).reshape(dimension == 2 ? [-1, 1] : [1, -1]);
        var first = before.to(ScalarType.Int64);
        return (map.index_select(dimension, first) * (1 - weight)) + (map.index_select(dimension, (first + 1).clamp(0, own - 1)) * weight);
    }
}
