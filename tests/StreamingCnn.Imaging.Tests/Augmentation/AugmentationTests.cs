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

    /// <summary>
    /// Against the first image, which stays; as far along each axis as was asked for, and no further; with white where nothing is.
    /// </summary>
    [Fact]
    public void Images_behind_the_first_are_moved_against_it()
    {
        const int most = 3;
        using var scope = NewDisposeScope();
        var options = new AugmentationOptions { Offset = most };
        var picture = Picture(12, 15);
        var around = nn.functional.pad(picture, [most, most, most, most], value: 255);
        var seen = new Dictionary<(int Down, int Across), int>();
        var isAlike = 0;
        for (var seed = 0; seed < 1000; seed++)
        {
            Assert.True(Windows.Same(picture, Whole(options, picture, seed)));
            var (second, third) = (Shift(seed, 1), Shift(seed, 2));
            seen[second] = seen.GetValueOrDefault(second) + 1;
            isAlike += second == third ? 1 : 0;
        }

        // 49 shifts: 20 of each on average, with a deviation of 4.5.
        Assert.Equal(49, seen.Count);
        Assert.All(seen.Values, count => Assert.InRange(count, 5, 45));
        Assert.InRange(isAlike, 1, 60);

        (int Down, int Across) Shift(long seed, int place)
        {
            using var inner = NewDisposeScope();
            var moved = Whole(options, picture, seed, place);
            var shifts =
                from down in Enumerable.Range(-most, (2 * most) + 1)
                from across in Enumerable.Range(-most, (2 * most) + 1)
                where Windows.Same(moved, around.narrow(2, most - down, 12).narrow(3, most - across, 15))
                select (down, across);
            return Assert.Single(shifts);
        }
    }

    /// <summary>All else that is drawn of a seed is drawn as it was without a shift, in the first image and in those behind it.</summary>
    [Fact]
    public void A_shift_changes_nothing_else_and_leaves_what_it_should_leave()
    {
        using var scope = NewDisposeScope();
        var picture = Picture(60, 70);
        var still = new AugmentationOptions
        {
            Mirror = true,
            QuarterTurns = true,
            Elastic = 3,
            ElasticSpacing = 20,
            Brightness = 0.2,
            Crop = (24, 30),
            Cutouts = 2,
        };
        var moving = still with { Offset = 4, OffsetShare = 0.25 };
        var moved = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            using var inner = NewDisposeScope();
            var expected = Whole(still, picture, seed);
            Assert.True(Windows.Same(expected, Whole(moving, picture, seed)));
            Assert.True(Windows.Same(expected, Whole(still, picture, seed, place: 1)));
            moved += Windows.Same(expected, Whole(moving, picture, seed, place: 1)) ? 0 : 1;
        }

        // A quarter of 200, with a deviation of 6.
        Assert.InRange(moved, 25, 75);
    }

    /// <summary>A part of a larger image is another part of it when moved, and not one with a white edge.</summary>
    [Fact]
    public void What_a_moved_part_shows_comes_from_the_image_where_it_is_there()
    {
        using var scope = NewDisposeScope();
        var picture = zeros([1, 1, 40, 40], ScalarType.Byte);
        var options = new AugmentationOptions { Offset = 6, Crop = (20, 20) };
        var white = 0;
        for (var seed = 0; seed < 100; seed++)
        {
            using var inner = NewDisposeScope();
            var still = options with { Offset = 0 };
            white += Whole(options, picture, seed, place: 1).gt(0).any().item<bool>() ? 1 : 0;
            Assert.False(Whole(still, picture, seed, place: 1).gt(0).any().item<bool>());
        }

        // The part lies up to 20 pixels from either end along each axis: few are moved beyond the image.
        Assert.InRange(white, 1, 60);
        Assert.Throws<ArgumentOutOfRangeException>(() => (options with { Offset = -1 }).Apply(new TensorImageSource(picture), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Apply(new TensorImageSource(picture), 0, place: -1));
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

    private static Tensor Whole(AugmentationOptions options, Tensor picture, long seed, int place = 0)
    {
        using var source = options.Apply(new TensorImageSource(picture), seed, place);
        return source.Read(0, 0, source.Height, source.Width);
    }

    internal static Tensor Picture(long height, long width)
    {
        using var generator = new Generator(11);
        return randint(0, 256, [1, 3, height, width], ScalarType.Byte, generator: generator);
    }
}
