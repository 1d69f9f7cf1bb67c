using StreamingCnn.Imaging;
using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests;

/// <summary>Small images that a small network can tell apart, and such a network.</summary>
internal static class Samples
{
    /// <summary>Noise, brighter in class 1, of different sizes.</summary>
    public static TrainingSample[] Brightness(int count, int firstSeed = 0) =>
    [
        .. Enumerable.Range(firstSeed, count).Select(
            i => new TrainingSample($"image {i}", i % 2, _ => Noise(i, i % 2)) { Targets = [i % 2] }),
    ];

    /// <summary>A trunk with dropout, so that random numbers matter, and a head on top.</summary>
    public static StreamingClassifier Classifier(int outputs = 2, HeadPooling pooling = HeadPooling.Average)
    {
        manual_seed(7);
        var trunk = Sequential(
            ("conv1", Conv2d(3, 6, 3, stride: 2, padding: 1)),
            ("act1", ReLU()),
            ("drop", Dropout(0.2)),
            ("conv2", Conv2d(6, 8, 3, padding: 1)),
            ("act2", ReLU()));
        return new StreamingClassifier(trunk, outputs, new StreamingOptions { Tile = (16, 16) }, pooling, dropout: 0.1);
    }

    private static TensorImageSource Noise(int seed, int label)
    {
        using var scope = NewDisposeScope();
        // Kept until libtorch has read it.
        using Scalar shift = (0.8 * label) - 0.9;
        var image = rand([1, 3, 30 + (seed % 5), 40 - (seed % 7)], generator: new Generator((ulong)seed)).add_(shift);
        return new TensorImageSource(image.MoveToOuterDisposeScope());
    }
}
