using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Budgets;

/// <summary>
/// A network such as people write, drawn from a seed: levels of convolutions, residual and depthwise blocks with strides or pooling between
/// them, and behind some of them a way back up with skip connections.
/// </summary>
internal sealed class RandomTrunk : StreamingBlock
{
    private readonly Random random;
    private readonly Func<FeatureMap, FeatureMap> trace;
    private int layers;

    /// <param name="seed">What the network is drawn from; its layers do not depend on the size.</param>
    /// <param name="height">Height of the image, which the way back up is for.</param>
    /// <param name="width">Width of the image.</param>
    public RandomTrunk(int seed, long height, long width)
        : base(nameof(RandomTrunk))
    {
        random = new Random(seed);
        manual_seed(seed);
        (trace, _) = Level(random.Next(4), 3, 8L << random.Next(4), height, width);
        eval();
    }

    public override FeatureMap Trace(FeatureMap input) => trace(input);

    /// <summary>A level at some resolution, with those below it, and the channels that come out.</summary>
    private (Func<FeatureMap, FeatureMap> Trace, long Channels) Level(int below, long inputs, long channels, long height, long width)
    {
        var blocks = Then(Convolution(inputs, channels), Blocks(channels));
        if (below == 0)
            return (blocks, channels);
        var down = random.Next(2) == 0 ? Layer(MaxPool2d(3, 2, 1)) : Layer(Conv2d(channels, channels, 3, 2, 1));
        var wider = Math.Min(128, channels * (1 + random.Next(2)));
        var (lower, deep) = Level(below - 1, channels, wider, (height + 1) / 2, (width + 1) / 2);
        if (random.Next(5) < 3)
            return (Then(blocks, Then(down, lower)), deep);
        var up = Layer(Upsample(size: [height, width], mode: UpsampleMode.Nearest));
        var merged = Convolution(channels + deep, channels);
        return (Up, channels);

        FeatureMap Up(FeatureMap input)
        {
            var skip = blocks(input);
            return merged(FeatureMap.Concat(skip, up(lower(down(skip)))));
        }
    }

    private Func<FeatureMap, FeatureMap> Blocks(long channels)
    {
        Func<FeatureMap, FeatureMap> all = map => map;
        for (var i = random.Next(3); i >= 0; i--)
            all = Then(all, Block(channels));
        return all;
    }

    private Func<FeatureMap, FeatureMap> Block(long channels)
    {
        switch (random.Next(4))
        {
            case 0:
                var (first, second) = (Convolution(channels, channels), Convolution(channels, channels));
                return input => input + second(first(input));
            case 1:
                return Then(Layer(Conv2d(channels, channels, 7, padding: 3, groups: channels)), Convolution(channels, channels, kernel: 1));
            default:
                return Convolution(channels, channels);
        }
    }

    /// <summary>A convolution that keeps the size, perhaps a norm, and an activation.</summary>
    private Func<FeatureMap, FeatureMap> Convolution(long inputs, long outputs, long? kernel = null)
    {
        var (side, dilation) = (kernel ?? 3 + (2 * random.Next(2)), 1 + (random.Next(4) / 3));
        var convolution = Layer(Conv2d(inputs, outputs, side, padding: dilation * (side - 1) / 2, dilation: dilation));
        var normalised = random.Next(2) == 0 ? Then(convolution, Layer(BatchNorm2d(outputs))) : convolution;
        return Then(normalised, Layer(random.Next(3) switch
        {
            0 => GELU(),
            1 => SiLU(),
            _ => ReLU(inplace: true),
        }));
    }

    private Func<FeatureMap, FeatureMap> Layer(Module<Tensor, Tensor> layer)
    {
        register_module($"layer{layers++}", layer);
        return map => map.Through(layer);
    }

    private static Func<FeatureMap, FeatureMap> Then(Func<FeatureMap, FeatureMap> first, Func<FeatureMap, FeatureMap> second) =>
        map => second(first(map));
}
