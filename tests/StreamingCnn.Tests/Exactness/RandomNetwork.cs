using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// A random network over all supported layers, with branches, merges and shared modules, grown from a seed for one image size. Layers that do not
/// fit the size are left out.
/// </summary>
internal sealed class RandomNetwork : StreamingBlock
{
    private const long LargestSide = 160;
    private readonly List<Step> steps = [];
    private readonly Random random;

    public RandomNetwork(int seed, int layers, long channels, long height, long width)
        : base(nameof(RandomNetwork))
    {
        random = new Random(seed);
        manual_seed(seed);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var maps = new List<Tensor> { zeros(1, channels, height, width, dtype: ScalarType.Float64) };
        for (var i = 0; i < layers; i++)
            Grow(maps);
        eval();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var maps = new List<FeatureMap> { input };
        foreach (var step in steps)
            maps.Add(step.Apply([.. step.Inputs.Select(i => maps[i])]));
        return maps[^1];
    }

    public override string ToString() => string.Join(" | ", steps.Select((s, i) => $"{i + 1}:{s.Name}({string.Join(",", s.Inputs)})"));

    private void Grow(List<Tensor> maps)
    {
        var last = maps.Count - 1;
        // Mostly on from the last map, now and then from an earlier one, so that branches of different depth arise.
        var from = random.Next(5) == 0 ? random.Next(maps.Count) : last;
        var input = maps[from];
        long channels = input.shape[1];
        switch (random.Next(12))
        {
            case 0 or 1 when Partner(maps, from, sameChannels: true) is { } partner:
                if (random.Next(3) > 0)
                    Add("add", [from, partner], m => m[0] + m[1], maps, t => t[0] + t[1]);
                else
                    Add("multiply", [from, partner], m => m[0] * m[1], maps, t => t[0] * t[1]);
                return;
            case 2 when Partner(maps, from, sameChannels: false) is { } partner && channels + maps[partner].shape[1] <= 12:
                Add("concat", [from, partner], m => FeatureMap.Concat(m[0], m[1]), maps, t => cat([t[0], t[1]], 1));
                return;
            case 3 when channels > 1:
                var start = random.Next((int)channels);
                var count = 1 + random.Next((int)channels - start);
                Add($"slice{start}+{count}", [from], m => m[0].Slice(start, count), maps, t => t[0].narrow(1, start, count));
                return;
            case 4 when steps.LastOrDefault(s => s.Module is not null) is { Module: { } shared }:
                AddModule("shared", shared, from, maps);
                return;
            default:
                var (name, module) = RandomLayer(channels, input.shape[2], input.shape[3]);
                AddModule(name, module.to(ScalarType.Float64), from, maps);
                return;
        }
    }

    private (string Name, Module<Tensor, Tensor> Module) RandomLayer(long c, long h, long w)
    {
        var groups = c % 2 == 0 && random.Next(3) == 0 ? 2 : 1;
        var output = groups * (1 + random.Next(3));
        switch (random.Next(26))
        {
            case <= 5:
                var mode = random.Next(4) switch { 0 => PaddingModes.Reflect, 1 => PaddingModes.Replicate, _ => PaddingModes.Zeros };
                var same = random.Next(6) == 0;
                (long, long) kernel = (1 + random.Next(5), 1 + random.Next(5)), dilation = (1 + random.Next(2), 1 + random.Next(2));
                if (same && (mode == PaddingModes.Zeros || (kernel.Item1 - 1) * dilation.Item1 == (kernel.Item2 - 1) * dilation.Item2))
                    return ("conv-same", Conv2d(c, output, kernel, padding: TorchSharp.Padding.Same, dilation: dilation, groups: groups, padding_mode: mode));
                return ($"conv{kernel}{mode}", Conv2d(
                    c, output, kernel, stride: (1 + random.Next(3), 1 + random.Next(3)), padding: (random.Next(4), random.Next(4)), dilation: dilation,
                    groups: groups, padding_mode: mode, bias: random.Next(4) > 0));
            case 6 or 7:
                (long, long) stride = (1 + random.Next(3), 1 + random.Next(3));
                var outputPadding = random.Next((int)Math.Min(stride.Item1, stride.Item2));
                return ($"tconv{stride}", ConvTranspose2d(
                    c, output, (1 + random.Next(4), 1 + random.Next(4)), stride: stride, padding: (random.Next(3), random.Next(3)),
                    output_padding: (outputPadding, outputPadding), dilation: (1 + random.Next(2), 1 + random.Next(2)),
                    groups: groups, bias: random.Next(4) > 0));
            case 8 or 9:
                long k = 1 + random.Next(4);
                return ($"maxpool{k}", MaxPool2d(k, 1 + random.Next(3), random.Next((int)k / 2 + 1), dilation: 1 + random.Next(2), ceil_mode: random.Next(2) == 0));
            case 10 or 11:
                (long, long) size = (1 + random.Next(4), 1 + random.Next(4));
                return ($"avgpool{size}", AvgPool2d(
                    size, (1 + random.Next(3), 1 + random.Next(3)), (random.Next((int)size.Item1 / 2 + 1), random.Next((int)size.Item2 / 2 + 1)),
                    ceil_mode: random.Next(2) == 0, count_include_pad: random.Next(2) == 0, divisor_override: random.Next(6) == 0 ? 3 : null));
            case 12:
                return random.Next(2) == 0
                    ? ("nearest", Upsample(scale_factor: [1 + random.Next(3), 1 + random.Next(3)]))
                    : ("nearest-size", Upsample(size: [1 + random.Next(60), 1 + random.Next(60)]));
            case 13:
                var align = random.Next(2) == 0;
                return random.Next(2) == 0
                    ? ($"bilinear{align}", Upsample(scale_factor: [1 + random.Next(4), 1 + random.Next(4)], mode: UpsampleMode.Bilinear, align_corners: align))
                    : ($"bilinear-size{align}", Upsample(size: [1 + random.Next(60), 1 + random.Next(60)], mode: UpsampleMode.Bilinear, align_corners: align));
            case 14 when c % 4 == 0:
                return ("shuffle", PixelShuffle(2));
            case 14 or 15 when h % 2 == 0 && w % 2 == 0:
                return ("unshuffle", PixelUnshuffle(2));
            case 16:
                return ("zeropad", ZeroPad2d((random.Next(-1, 4), random.Next(-1, 4), random.Next(-1, 4), random.Next(-1, 4))));
            case 17:
                return ("reflect", ReflectionPad2d((random.Next(4), random.Next(4), random.Next(4), random.Next(4))));
            case 18:
                return ("replicate", ReplicationPad2d((random.Next(4), random.Next(4), random.Next(4), random.Next(4))));
            case 19:
                return ("batchnorm", RandomBatchNorm(c));
            // Normalised over one or two channels a pixel is constant, and its gradient nothing but rounding.
            case 20 when c > 2:
                return ("channelnorm", new ChannelLayerNorm(c));
            case 21:
                return random.Next(2) == 0 ? ("linear", Linear(c, output)) : ("scale", new ChannelScale(c, 0.7));
            case 22:
                return ("prelu", PReLU(random.Next(2) == 0 ? 1 : c));
            case 23 or 24:
                return ("relu", ReLU(inplace: random.Next(2) == 0));
            default:
                return RandomActivation(c);
        }
    }

    private (string Name, Module<Tensor, Tensor> Module) RandomActivation(long channels) => random.Next(9) switch
    {
        0 => ("gelu", GELU()),
        1 => ("silu-inplace", SiLU(inplace: true)),
        2 => ("leaky", LeakyReLU(0.1)),
        3 => ("sigmoid-inplace", Sigmoid(inplace: true)),
        4 => ("tanh", Tanh()),
        5 => ("elu", ELU()),
        6 => ("hardswish", Hardswish()),
        7 when channels > 1 => ("softmax", Softmax(1)),
        _ => ("softplus", Softplus()),
    };

    private static Module<Tensor, Tensor> RandomBatchNorm(long channels)
    {
        var norm = BatchNorm2d(channels);
        norm.running_mean!.copy_(randn(channels) * 0.3);
        norm.running_var!.copy_(rand(channels) + 0.5);
        norm.weight!.copy_(rand(channels) + 0.5);
        norm.bias!.copy_(randn(channels) * 0.3);
        return norm;
    }

    private int? Partner(List<Tensor> maps, int from, bool sameChannels)
    {
        var shape = maps[from].shape;
        var candidates = Enumerable.Range(0, maps.Count)
            .Where(i => i != from && maps[i].shape[2] == shape[2] && maps[i].shape[3] == shape[3] && (!sameChannels || maps[i].shape[1] == shape[1]))
            .ToArray();
        return candidates.Length == 0 ? null : candidates[random.Next(candidates.Length)];
    }

    private void AddModule(string name, Module<Tensor, Tensor> module, int from, List<Tensor> maps)
    {
        module.eval();
        if (module is TorchSharp.Modules.MaxPool2d pooling && !Fits(pooling, maps[from]))
            return;
        var isNew = steps.All(s => s.Module != module);
        var perPixel = module is TorchSharp.Modules.Linear;
        if (Add(name, [from], m => m[0].Through(module), maps, t => perPixel ? module.forward(t[0].permute(0, 2, 3, 1)).permute(0, 3, 1, 2) : module.forward(t[0].clone()), module) && isNew)
            register_module($"layer{steps.Count}", module);
    }

    /// <summary>PyTorch corrupts its memory for windows of padding alone, which the engine refuses.</summary>
    private static bool Fits(TorchSharp.Modules.MaxPool2d pooling, Tensor input)
    {
        try
        {
            var layer = new MaxPoolingLayer(pooling);
            layer.Along(Axis.Rows, input.shape[2]);
            layer.Along(Axis.Columns, input.shape[3]);
            return true;
        }
        catch (GeometryException)
        {
            return false;
        }
    }

    private bool Add(
        string name, int[] inputs, Func<FeatureMap[], FeatureMap> apply, List<Tensor> maps, Func<Tensor[], Tensor> shape, Module<Tensor, Tensor>? module = null)
    {
        Tensor output;
        try
        {
            output = shape([.. inputs.Select(i => maps[i])]);
        }
        catch (Exception unfit) when (unfit is System.Runtime.InteropServices.ExternalException or ArgumentException)
        {
            return false;
        }

        if (output.shape[2] < 1 || output.shape[3] < 1 || output.shape[2] > LargestSide || output.shape[3] > LargestSide || output.shape[1] > 16)
            return false;
        maps.Add(output);
        steps.Add(new(name, inputs, apply, module));
        return true;
    }

    private sealed record Step(string Name, int[] Inputs, Func<FeatureMap[], FeatureMap> Apply, Module<Tensor, Tensor>? Module);
}
