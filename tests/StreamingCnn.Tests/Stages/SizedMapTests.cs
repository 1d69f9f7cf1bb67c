using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Maps that take the size of another one: streamed and whole they are the same, wherever that one comes from.</summary>
public sealed class SizedMapTests
{
    private const double Tolerance = 1e-12;

    [Theory]
    [InlineData(UpsampleMode.Bilinear, false)]
    [InlineData(UpsampleMode.Bilinear, true)]
    [InlineData(UpsampleMode.Bicubic, false)]
    [InlineData(UpsampleMode.Nearest, false)]
    [InlineData(UpsampleMode.Nearest, true)]
    public void Resizing_streamed_is_whole(UpsampleMode mode, bool inStages)
    {
        var random = new Random(11);
        for (var trial = 0; trial < 6; trial++)
        {
            manual_seed(trial);
            using var scope = NewDisposeScope();
            var (stride, other, kernel) = (random.Next(1, 4), random.Next(1, 4), random.Next(1, 4));
            var (where, error) = GlobalStep.Worst(
                () => new Sized(stride, other, kernel, inStages, (map, size) => map.ResizedTo(size, mode)).@double(),
                rand(2, 2, random.Next(12, 40), random.Next(12, 40), ScalarType.Float64),
                new() { Tile = (random.Next(5, 20), random.Next(5, 20)) });
            Assert.True(error < Tolerance, $"stride {stride} to {other}, kernel {kernel}: {where}: {error}");
        }
    }

    [Fact]
    public void Cropping_streamed_is_whole()
    {
        foreach (var inStages in (bool[])[false, true])
        {
            manual_seed(2);
            using var scope = NewDisposeScope();
            var (where, error) = GlobalStep.Worst(
                () => new Sized(1, 2, 3, inStages, (map, size) => map.CroppedTo(size)).@double(),
                rand(1, 2, 21, 34, ScalarType.Float64),
                new() { Tile = (9, 7) });
            Assert.True(error < Tolerance, $"{where}: {error}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_image_and_maps_that_nothing_else_reads_have_sizes_too(bool inStages)
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        var (where, error) = GlobalStep.Worst(
            () => new Lonely(inStages).@double(), rand(1, 2, 23, 31, ScalarType.Float64), new() { Tile = (8, 8) });
        Assert.True(error < Tolerance, $"{where}: {error}");
    }

    [Fact]
    public void A_crop_to_more_than_there_is_is_refused_with_both_lengths()
    {
        using var network = new Sized(2, 1, 1, inStages: false, (map, size) => map.CroppedTo(size));
        using var streaming = new StreamingModule(network, new() { Tile = (8, 8) });
        using var image = rand(1, 2, 20, 20);
        var refusal = Assert.Throws<UnsupportedLayerException>(() => streaming.forward(image));
        Assert.Contains("cannot crop 10 positions to 20", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mode_that_is_not_known_is_refused()
    {
        using var network = new Sized(2, 1, 1, inStages: false, (map, size) => map.ResizedTo(size, UpsampleMode.Trilinear));
        using var image = rand(1, 2, 8, 8);
        Assert.Contains(
            "Trilinear", Assert.Throws<UnsupportedLayerException>(() => network.forward(image)).Message, StringComparison.Ordinal);
    }

    /// <summary>A map at one stride that takes the size of one at another, with which it is joined.</summary>
    private sealed class Sized : StreamingBlock
    {
        private readonly Conv2d own;
        private readonly Conv2d other;
        private readonly Conv2d last = Conv2d(6, 2, 3, padding: 1);
        private readonly GroupNorm? norm;
        private readonly Func<FeatureMap, FeatureMap, FeatureMap> fit;

        public Sized(long stride, long otherStride, long kernel, bool inStages, Func<FeatureMap, FeatureMap, FeatureMap> fit)
            : base(nameof(Sized))
        {
            this.fit = fit;
            own = Conv2d(2, 3, kernel, stride: stride, padding: kernel / 2);
            other = Conv2d(2, 3, 3, stride: otherStride, padding: 1);
            if (inStages)
            {
                norm = GroupNorm(1, 3);
                init.ones_(norm.weight);
                init.zeros_(norm.bias);
            }

            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(own);
            var size = input.Through(other);
            if (norm is not null)
                map = map.Through(norm);
            return FeatureMap.Concat(fit(map, size), size).Through(last);
        }
    }

    /// <summary>Sizes of maps of which nothing else is read, the image among them where a later stage does not read it.</summary>
    private sealed class Lonely : StreamingBlock
    {
        private readonly Conv2d first = Conv2d(2, 3, 3, stride: 2, padding: 1);
        private readonly Conv2d aside = Conv2d(2, 2, 3, stride: 3);
        private readonly GroupNorm? norm;

        public Lonely(bool inStages)
            : base(nameof(Lonely))
        {
            if (inStages)
            {
                norm = GroupNorm(1, 3);
                init.ones_(norm.weight);
                init.zeros_(norm.bias);
            }

            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(first);
            if (norm is not null)
                map = map.Through(norm);
            return map.ResizedTo(input.Through(aside)).ResizedTo(input);
        }
    }
}
