using StreamingCnn.Imaging;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>
/// Noise with a bright and a dark rectangle, of different odd sizes, its map of classes, and a network that can tell them apart.
/// </summary>
internal static class Shapes
{
    public static readonly SegmentationTask Task = new(["ground", "bright", "dark"]);

    public static TrainingSample[] Samples(int count, int firstSeed = 0) =>
    [
        .. Enumerable.Range(firstSeed, count).Select(seed => new TrainingSample($"image {seed}", -1, _ => Source(seed).Image)
        {
            OpenMask = _ => Source(seed).Classes,
        }),
    ];

    /// <summary>A trunk of stride 4, whose map is smaller than a fourth of an image that 4 does not divide.</summary>
    public static Sequential Trunk()
    {
        manual_seed(3);
        return Sequential(
            ("conv1", Conv2d(3, 6, 3, stride: 2, padding: 1)),
            ("act1", ReLU()),
            ("pool", MaxPool2d(2)),
            ("conv2", Conv2d(6, 8, 3, padding: 1)),
            ("act2", ReLU()));
    }

    public static StreamingSegmenter Segmenter(bool withDropout = false)
    {
        var trunk = Trunk();
        if (withDropout)
            trunk.append("drop", Dropout(0.1));
        return new(trunk, Task.Outputs.Count, new StreamingOptions { Tile = (16, 16) }, channels: 8);
    }

    /// <summary>Classes as a source, of the type that masks have.</summary>
    public static IImageSource ClassMap(Tensor classes) => new ClassTensorSource(classes);

    private static (TensorImageSource Image, IImageSource Classes) Source(int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        var (height, width) = (41 + (seed % 4), 53 - (seed % 5));
        var classes = zeros([1, 1, height, width], ScalarType.Int16);
        foreach (var label in (short[])[1, 2])
        {
            var (h, w) = (random.Next(10, 20), random.Next(10, 20));
            classes.narrow(2, random.Next(height - h), h).narrow(3, random.Next(width - w), w).fill_(label);
        }

        // One corner does not count, whatever stands there.
        classes.narrow(2, 0, 5).narrow(3, 0, 7).fill_(SegmentationTask.IgnoredClass);
        var brightness = classes.eq(1).to(ScalarType.Float32) - classes.eq(2).to(ScalarType.Float32);
        var image = (rand([1, 3, height, width], generator: new Generator((ulong)seed)) - 0.5) + brightness;
        return (new(image.MoveToOuterDisposeScope()), new ClassTensorSource(classes));
    }

    private sealed class ClassTensorSource(Tensor classes) : IImageSource
    {
        private readonly Tensor classes = classes.alias().DetachFromDisposeScope();

        public int Channels => 1;

        public long Height => classes.shape[2];

        public long Width => classes.shape[3];

        public Tensor Read(long top, long left, long height, long width)
        {
            using var scope = NewDisposeScope();
            return classes.narrow(2, top, height).narrow(3, left, width).clone().MoveToOuterDisposeScope();
        }

        public void Dispose() => classes.Dispose();
    }
}
