using StreamingCnn.Training.Heads;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>Where a trunk's map speaks for a score; see <see cref="SaliencyMethod.ClassActivation"/>.</summary>
internal static class ClassActivation
{
    // The maps of more outputs take more room than a second pass is worth.
    private const int ManyOutputs = 16;

    /// <summary>Computes the map and writes it, enlarged, to a file of one channel.</summary>
    /// <param name="file">The file.</param>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="image">What the network sees.</param>
    /// <param name="target">The output; null for the one with the largest score.</param>
    /// <param name="folder">Folder for the file that the map waits in before it is enlarged.</param>
    /// <returns>The scores, and the output that was explained.</returns>
    public static (Tensor Scores, int Target) WriteTo(
        RasterFile file, StreamingClassifier model, IImageSource image, int? target, string folder)
    {
        using var scope = NewDisposeScope();
        var (scores, chosen) = model.Head.Pooling == HeadPooling.Attention
            ? OfGradient(file, model, image, target, folder)
            : OfLinearWeights(file, model, image, target, folder);
        return (scores.detach().to(ScalarType.Float64).cpu().MoveToOuterDisposeScope(), chosen);
    }

    /// <summary>
    /// By the weights of the head's linear layer: each channel is pooled to a number of its own kind. Which output is to be explained is
    /// often known by its score alone, so all of them wait in the file, and the trunk runs once; unless they are many.
    /// </summary>
    private static (Tensor Scores, int Target) OfLinearWeights(
        RasterFile file, StreamingClassifier model, IImageSource image, int? target, string folder)
    {
        using var grad = no_grad();
        var all = model.Head.Classifier.weight;
        target ??= all.shape[0] > ManyOutputs ? ScoreGradient.Largest(model.forward(image)) : null;
        var weights = target is { } one ? all.narrow(0, one, 1) : all;
        using var map = new PositionMap(folder, (int)weights.shape[0], Numbers(weights));
        var scores = model.Run(image, map);
        map.Join(model.Options);
        var chosen = target ?? ScoreGradient.Largest(scores);
        map.Enlarge(file, rows => target is null ? rows.narrow(1, chosen, 1) : rows);
        return (scores, chosen);
    }

    /// <summary>By the mean gradient over all positions, which is known when the trunk has run forwards and backwards.</summary>
    private static (Tensor Scores, int Target) OfGradient(
        RasterFile file, StreamingClassifier model, IImageSource image, int? target, string folder)
    {
        var (scores, chosen, weights) = SummedGradient(model, image, target);
        using var grad = no_grad();
        using var map = new PositionMap(folder, 1, Numbers(weights.unsqueeze(0)));
        model.Features.Run(image, map);
        map.Join(model.Options);
        map.Enlarge(file, rows => rows / map.Positions);
        return (scores, chosen);
    }

    /// <summary>What weights [numbers, channels] make of a rectangle.</summary>
    private static Func<Tensor, Tensor> Numbers(Tensor weights) =>
        features => nn.functional.conv2d(features.to(weights.dtype), weights.reshape(weights.shape[0], -1, 1, 1));

    /// <summary>
    /// The sum over all positions of the score's gradient with respect to the trunk's map: the gradient of a summand that is the same at
    /// all of them, so that no map is needed.
    /// </summary>
    private static (Tensor Scores, int Target, Tensor Weights) SummedGradient(StreamingClassifier model, IImageSource image, int? target)
    {
        using var frozen = new FrozenParameters(model);
        if (!model.IsSeenInto(image.Channels))
            return SummedGradientOfMap(model, image, target);
        var weight = model.Head.Classifier.weight;
        var channels = weight.shape[1];
        using var shift = nn.Conv2d(channels, channels, 1, groups: channels, dtype: weight.dtype, device: weight.device);
        shift.weight.requires_grad_(false);
        nn.init.ones_(shift.weight);
        nn.init.zeros_(shift.bias!);
        using var joined = new TrunkWithHead(model.Features.Trunk, model.Head, shift);
        using var network = new StreamingModule(joined, model.Options);
        var scores = network.forward(image);
        var chosen = target ?? ScoreGradient.Largest(scores);
        scores[0, chosen].backward();
        return (scores, chosen, shift.bias!.grad!.clone());
    }

    private static (Tensor Scores, int Target, Tensor Weights) SummedGradientOfMap(
        StreamingClassifier model, IImageSource image, int? target)
    {
        Tensor features;
        using (no_grad())
            features = model.Features.forward(image);
        features.requires_grad_(true);
        var scores = model.Head.call(features);
        var chosen = target ?? ScoreGradient.Largest(scores);
        scores[0, chosen].backward();
        return (scores, chosen, features.grad!.sum([2, 3])[0]);
    }
}
