using StreamingCnn.Imaging.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Augmentation;

public sealed class AugmentationTests
{
    public static TheoryData<string, AugmentationOptions> Changes => new()
    {
        { "mirror and turns", new AugmentationOptions { Mirror = true, QuarterTurns = true } },
        { "upside down", new AugmentationOptions { Flip = true } },
        { "rotation", new AugmentationOptions { Rotation = 40 } },
        { "elastic", new AugmentationOptions { Elastic = 9, ElasticSpacing = 20 } },
        { "colour", new AugmentationOptions { Brightness = 0.3, Contrast = 0.3, Saturation = 0.5, Hue = 40 } },
        { "stain", new AugmentationOptions { Stain = 0.3 } },
        { "crop of a larger image", new AugmentationOptions { Crop = (50, 40) } },
        { "padding of a smaller image", new AugmentationOptions { Crop = (150, 170), Cutouts = 3 } },
        {
            "everything", new AugmentationOptions
            {
                Mirror =
                    true, QuarterTurns =
                        true, Rotation = 15, Elastic = 5, ElasticSpacing = 30, Brightness = 0.2, Contrast = 0.2, Saturation = 0.2, Hue = 10,
                Stain = 0.1, Crop = (80, 110), Cutouts = 2,
            }
        },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Windows_cut_differently_have_the_same_pixels(string name, AugmentationOptions options)
    {
        Assert.NotEmpty(name);
        using var scope = NewDisposeScope();
        var picture = Picture(83, 97);
        for (var seed = 0; seed < 4; seed++)
        {
            using var source = options.Apply(new TensorImageSource(picture), seed);
            Windows.AssertIndependent(source, samples: 15);
        }
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void The_seed_decides_and_something_changes(string name, AugmentationOptions options)
    {
        Assert.NotEmpty(name);
        using var scope = NewDisposeScope();
        var picture = Picture(83, 97);
        Tensor Variant(long seed)
        {
            using var source = options.Apply(new TensorImageSource(picture), seed);
            return source.Read(0, 0, source.Height, source.Width);
        }

        Assert.True(Windows.Same(Variant(7), Variant(7)));
        Assert.Contains(Enumerable.Range(0, 5), seed => !Windows.Same(Variant(seed), picture));
        Assert.Contains(Enumerable.Range(1, 5), seed => !Windows.Same(Variant(seed), Variant(0)));
    }

    [Fact]
    public void Turns_equal_those_of_the_tensor()
    {
        using var scope = NewDisposeScope();
        var picture = Picture(7, 11);
        for (var turns = -1; turns < 4; turns++)
        {
            using var source = new TurnedSource(new TensorImageSource(picture), mirror: true, turns);
            Assert.True(Windows.Same(picture.flip(3).rot90(turns, (2, 3)), source.Read(0, 0, source.Height, source.Width)));
        }
    }

    [Fact]
    public void Mirror_and_flip_give_all_four_pictures_and_no_turned_one()
    {
        using var scope = NewDisposeScope();
        var picture = Picture(7, 11);
        Tensor[] expected = [picture, picture.flip(3), picture.flip(2), picture.flip(2, 3)];
        var seen = new HashSet<int>();
        for (var seed = 0; seed < 30; seed++)
        {
            using var source = new AugmentationOptions { Mirror = true, Flip = true }.Apply(new TensorImageSource(picture), seed);
            var variant = source.Read(0, 0, 7, 11);
            seen.Add(Array.FindIndex(expected, candidate => Windows.Same(candidate, variant)));
        }

        Assert.Equal([0, 1, 2, 3], seen.Order());
    }

    [Fact]
    public void Changes_by_nothing_keep_the_pixels()
    {
        using var scope = NewDisposeScope();
        var picture = Picture(20, 30);
        using var colour = new RecolouredSource(new TensorImageSource(picture), new ColourJitter(1, 1, 1, 0));
        using var stain = new RecolouredSource(new TensorImageSource(picture.clamp(1, 255)), new StainJitter((1, 1, 1), (0, 0, 0)));
        using var warp = new WarpedSource(new TensorImageSource(picture), 0, 0, 1, 0, 0);
        Assert.InRange((colour.Read(0, 0, 20, 30).to(ScalarType.Int16) - picture.to(ScalarType.Int16)).abs().max().ToInt32(), 0, 1);
        Assert.InRange(
            (stain.Read(0, 0, 20, 30).to(ScalarType.Int16) - picture.clamp(1, 255).to(ScalarType.Int16)).abs().max().ToInt32(), 0, 1);
        Assert.True(Windows.Same(picture, warp.Read(0, 0, 20, 30)));
    }

    internal static Tensor Picture(long height, long width)
    {
        using var generator = new Generator(11);
        return randint(0, 256, [1, 3, height, width], ScalarType.Byte, generator: generator);
    }
}
