using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// Modules that the engine cannot see into and whose grid is not that of their outputs: they pool and enlarge again, or treat rows by
/// turns.
/// </summary>
public class OpaqueGridTests
{
    private const InterpolationMode Nearest = InterpolationMode.Nearest;
    private const InterpolationMode Bilinear = InterpolationMode.Bilinear;

    private static readonly Dictionary<string, Func<WrittenModule>> Modules = new()
    {
        ["two levels, interpolated"] = () => UNet(2, (map, skip) => functional.interpolate(map, scale_factor: [2, 2], mode: Nearest)),
        ["two levels, bilinear"] = () =>
            UNet(2, (map, skip) => functional.interpolate(map, scale_factor: [2, 2], mode: Bilinear, align_corners: false)),
        ["two levels, to the size of the skip"] = () =>
            UNet(2, (map, skip) => functional.interpolate(map, size: skip.shape[2..], mode: Bilinear, align_corners: false)),
        ["three levels, to the size of the skip, nearest"] = () =>
            UNet(3, (map, skip) => functional.interpolate(map, size: skip.shape[2..], mode: Nearest)),
        ["three levels, transposed"] = Transposed,
        ["without padding, cropped skips"] = Cropped,
        ["pooled by three and enlarged"] = Thirds,
        ["dilated below a stride"] = Dilated,
        ["rows by turns"] = ByTurns,
        ["enlarged twice"] = Enlarged,
        ["three pixels to two"] = ThreeToTwo,
        ["patches of 14"] = Patches,
        ["reflecting, with ceiling"] = Ceiling,
        ["zeros to begin with"] = Zeroed,
        ["in place"] = InPlace,
        ["running statistics"] = Normed,
    };

    [Theory]
    [InlineData("two levels, interpolated", 204, 172)]
    [InlineData("two levels, bilinear", 136, 232)]
    [InlineData("two levels, to the size of the skip", 160, 204)]
    [InlineData("three levels, to the size of the skip, nearest", 203, 189)]
    [InlineData("three levels, transposed", 200, 248)]
    [InlineData("without padding, cropped skips", 205, 188)]
    [InlineData("pooled by three and enlarged", 189, 210)]
    [InlineData("dilated below a stride", 211, 187)]
    [InlineData("rows by turns", 151, 173)]
    [InlineData("enlarged twice", 133, 151)]
    [InlineData("three pixels to two", 201, 177)]
    [InlineData("patches of 14", 210, 238)]
    [InlineData("reflecting, with ceiling", 171, 203)]
    [InlineData("zeros to begin with", 160, 200)]
    [InlineData("in place", 151, 203)]
    [InlineData("running statistics", 167, 155)]
    public void Windows_equal_the_whole_image(string name, int height, int width)
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        var module = (Module<Tensor, Tensor>)Modules[name]().to(ScalarType.Float64);
        module.eval();
        foreach (var tile in new[] { (64, 48), (37, 91) })
            WholeCheck.EqualsWhole(module, randn(1, 3, height, width, dtype: ScalarType.Float64), tile);
    }

    /// <summary>Trials with negative values say nothing of it, but must not be held against it.</summary>
    [Fact]
    public void A_module_of_positive_values_alone_equals_the_whole_image()
    {
        using var scope = NewDisposeScope();
        var convolution = Conv2d(3, 4, 5, padding: 2, dtype: ScalarType.Float64);
        using var module = new WrittenModule(image => convolution.forward(image.log() + image.sqrt()), convolution);
        WholeCheck.EqualsWhole(module, rand(1, 3, 163, 150, dtype: ScalarType.Float64) + 0.1, (64, 64));
    }

    /// <summary>Rounding to seven digits must not be taken for a difference, nor two images for one.</summary>
    [Theory]
    [InlineData("three levels, to the size of the skip, nearest", 203, 189)]
    [InlineData("three levels, transposed", 200, 248)]
    [InlineData("rows by turns", 151, 173)]
    [InlineData("running statistics", 167, 155)]
    public void Windows_in_float32_are_accepted(string name, int height, int width)
    {
        using var scope = NewDisposeScope();
        Assert.SkipUnless(ConvolutionCheck.IsRight, "The library's own convolutions, which these are held to, are wrong on this processor.");
        manual_seed(8);
        using var module = Modules[name]();
        module.eval();
        var image = randn(2, 3, height, width) * 100;
        using var streaming = new StreamingModule(module, new() { Tile = (64, 80), Mode = StreamingMode.Overlap });
        var map = streaming.forward(image);
        map.sum().backward();
        using (no_grad())
            Assert.True(Compare.RelativeError(map.detach(), module.forward(image)) < 1e-5);
    }

    private static WrittenModule UNet(int levels, Func<Tensor, Tensor, Tensor> enlarge)
    {
        var down = Enumerable.Range(0, levels).Select(level => Conv2d(level == 0 ? 3 : 4, 4, 3, padding: 1)).ToArray();
        var up = Enumerable.Range(0, levels).Select(_ => Conv2d(8, 4, 3, padding: 1)).ToArray();
        return new(
            image =>
            {
                var skips = new Stack<Tensor>();
                var map = image;
                foreach (var convolution in down)
                {
                    skips.Push(convolution.forward(map).relu());
                    map = functional.max_pool2d(skips.Peek(), 2);
                }

                foreach (var convolution in up)
                {
                    var skip = skips.Pop();
                    map = convolution.forward(cat([enlarge(map, skip), skip], 1)).relu();
                }

                return map;
            },
            [.. down, .. up]);
    }

    private static WrittenModule Transposed()
    {
        var down = Enumerable.Range(0, 3).Select(level => Conv2d(level == 0 ? 3 : 4, 4, 3, stride: 2, padding: 1)).ToArray();
        var up = Enumerable.Range(0, 3).Select(_ => ConvTranspose2d(4, 4, 4, stride: 2, padding: 1)).ToArray();
        return new(
            image =>
            {
                var first = down[0].forward(image).tanh();
                var second = down[1].forward(first).tanh();
                var map = up[0].forward(down[2].forward(second).tanh());
                return up[2].forward(up[1].forward(map + second) + first);
            },
            [.. down, .. up]);
    }

    private static WrittenModule Cropped()
    {
        var (first, second, third) = (Conv2d(3, 4, 3), Conv2d(4, 4, 3), Conv2d(8, 3, 3));
        return new(
            image =>
            {
                var skip = first.forward(image).relu();
                var map = functional.interpolate(second.forward(functional.max_pool2d(skip, 2)), scale_factor: [2, 2], mode: Nearest);
                var (down, right) = ((skip.shape[2] - map.shape[2]) / 2, (skip.shape[3] - map.shape[3]) / 2);
                return third.forward(cat([map, skip.narrow(2, down, map.shape[2]).narrow(3, right, map.shape[3])], 1));
            },
            first, second, third);
    }

    private static WrittenModule Thirds()
    {
        var (first, second) = (Conv2d(3, 4, 5, padding: 2), Conv2d(4, 3, 3, padding: 1));
        return new(
            image =>
            {
                var pooled = functional.avg_pool2d(first.forward(image).tanh(), 3, 3);
                return second.forward(functional.interpolate(pooled, scale_factor: [3, 3], mode: Nearest)) + image;
            },
            first, second);
    }

    private static WrittenModule Dilated()
    {
        var (first, second) = (Conv2d(3, 4, 3, stride: 3, padding: 1), Conv2d(4, 4, 3, padding: 4, dilation: 4));
        return new(image => second.forward(first.forward(image).relu()).sigmoid(), first, second);
    }

    /// <summary>Even rows go another way than odd ones.</summary>
    private static WrittenModule ByTurns()
    {
        var (even, odd) = (Conv2d(3, 3, 3, padding: 1), Conv2d(3, 3, 5, padding: 2));
        return new(
            image =>
            {
                var rows = arange(image.shape[2], dtype: image.dtype).remainder(2).reshape(-1, 1);
                return (even.forward(image) * (1 - rows)) + (odd.forward(image) * rows);
            },
            even, odd);
    }

    private static WrittenModule Enlarged()
    {
        var (first, second) = (Conv2d(3, 4, 3, padding: 1), ConvTranspose2d(4, 2, 4, stride: 2, padding: 1));
        return new(image => second.forward(first.forward(image).relu()), first, second);
    }

    private static WrittenModule ThreeToTwo()
    {
        var (first, second) = (Conv2d(3, 4, 3, stride: 3), ConvTranspose2d(4, 2, 2, stride: 2));
        return new(image => second.forward(first.forward(image).relu()), first, second);
    }

    private static WrittenModule Patches()
    {
        var (first, second) = (Conv2d(3, 6, 14, stride: 14), Conv2d(6, 4, 1));
        return new(image => second.forward(functional.gelu(first.forward(image), inplace: false)), first, second);
    }

    private static WrittenModule Ceiling()
    {
        var first = Conv2d(3, 4, 3);
        return new(
            image => functional.max_pool2d(
                first.forward(functional.pad(image, [2, 2, 2, 2], PaddingModes.Reflect)), 3, 2, ceil_mode: true),
            first);
    }

    /// <summary>The last layer hides all before it until it has learnt; its own gradient does not.</summary>
    private static WrittenModule Zeroed()
    {
        var (first, last) = (Conv2d(3, 4, 3, padding: 1), Conv2d(4, 3, 1));
        init.zeros_(last.weight);
        return new(
            image =>
            {
                var pooled = functional.max_pool2d(functional.max_pool2d(first.forward(image), 2), 2);
                return last.forward(functional.interpolate(pooled, scale_factor: [4, 4], mode: Nearest));
            },
            first, last);
    }

    /// <summary>Works on the very image that it is given.</summary>
    private static WrittenModule InPlace()
    {
        var first = Conv2d(3, 4, 5, padding: 2);
        return new(image => first.forward(image.mul_(2).tanh_()), first);
    }

    private static WrittenModule Normed()
    {
        var (first, norm) = (Conv2d(3, 4, 3, padding: 1), BatchNorm2d(4));
        var instance = InstanceNorm2d(4, affine: true, track_running_stats: true);
        using (no_grad())
            norm.running_mean!.uniform_(-1, 1);
        return new(image => instance.forward(norm.forward(first.forward(image)).relu()), first, norm, instance);
    }
}
