using StreamingCnn.Imaging.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Augmentation;

/// <summary>A mask goes wherever its image goes, and no class is changed on the way.</summary>
public sealed class MaskAugmentationTests
{
    public static TheoryData<string, AugmentationOptions> Changes => new()
    {
        { "mirror", new AugmentationOptions { Mirror = true } },
        { "flip", new AugmentationOptions { Flip = true } },
        { "turn", new AugmentationOptions { QuarterTurns = true } },
        { "mirror, flip and turn", new AugmentationOptions { Mirror = true, Flip = true, QuarterTurns = true } },
        { "crop of a larger image", new AugmentationOptions { Crop = (30, 25) } },
        { "crop of a smaller image", new AugmentationOptions { Crop = (90, 80), Cutouts = 2 } },
        { "rotation", new AugmentationOptions { Rotation = 40 } },
        { "elastic", new AugmentationOptions { Elastic = 9, ElasticSpacing = 20 } },
        {
            "everything",
            new AugmentationOptions
            {
                Mirror = true,
                Flip = true,
                QuarterTurns = true,
                Rotation = 30,
                Elastic = 5,
                ElasticSpacing = 20,
                Crop = (50, 40),
            }
        },
    };

    /// <summary>
    /// The image is its own mask: what is at a pixel of the one is at that pixel of the other. Where pixels are interpolated, the image is
    /// smooth there, so that the nearest value is near; what comes from outside is no number.
    /// </summary>
    [Theory]
    [MemberData(nameof(Changes))]
    public void Each_pixel_lies_under_its_class(string name, AugmentationOptions options)
    {
        using var scope = NewDisposeScope();
        var isWarped = options.Rotation > 0 || options.Elastic > 0;
        // Numbers rise by 2 along one axis and by 300 along the other: each pixel has its own.
        var numbers = (arange(61, ScalarType.Float32).view(1, 1, 61, 1) * 300) + (arange(47, ScalarType.Float32).view(1, 1, 1, 47) * 2);
        for (var seed = 0; seed < 6; seed++)
        {
            using var image = (options with { Fill = float.NaN }).Apply(new TensorImageSource(numbers), seed);
            using var mask = options.ApplyToClasses(new ShortSource(numbers.to(ScalarType.Int16)), seed, -100);
            Assert.Equal((image.Height, image.Width), (mask.Height, mask.Width));
            Windows.AssertIndependent(mask, samples: 5);
            var (pixels, classes) = (image.Read(0, 0, image.Height, image.Width), mask.Read(0, 0, mask.Height, mask.Width));
            Assert.Equal(ScalarType.Int16, classes.dtype);
            var inside = classes.ne(-100).logical_and(pixels.isnan().logical_not());
            Assert.True(inside.sum().item<long>() > 300, name);
            // Half a pixel along either axis is the farthest that the nearest can be.
            var distance = (classes.to(ScalarType.Float32) - pixels).abs()[inside].max().item<float>();
            Assert.True(distance <= (isWarped ? 151.01 : 0), $"{name}: {distance}");
            Assert.True(classes[inside].remainder(300).remainder(2).eq(0).all().item<bool>(), name);
            if (!isWarped && options.Cutouts == 0)
                Assert.True(Windows.Same(classes.eq(-100), pixels.isnan()), name);
        }
    }

    private sealed class ShortSource(Tensor map) : IImageSource
    {
        public int Channels => 1;

        public long Height => map.shape[2];

        public long Width => map.shape[3];

        public Tensor Read(long top, long left, long height, long width) => map.narrow(2, top, height).narrow(3, left, width).clone();

        public void Dispose()
        {
        }
    }
}
