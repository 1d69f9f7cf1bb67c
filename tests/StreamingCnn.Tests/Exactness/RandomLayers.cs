using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>A random layer and what it is an instance of.</summary>
internal sealed record DrawnLayer(Module<Tensor, Tensor> Module, params string[] Features)
{
    public DrawnLayer With(bool condition, string feature) => condition ? this with { Features = [.. Features, feature] } : this;
}

/// <summary>Draws layers of every kind that the engine supports, with settings that it supports.</summary>
internal sealed class RandomLayers(Random random)
{
    static RandomLayers() =>
        LayerRegistry.Register<Blur>(blur => new WindowLayer(blur, window => functional.avg_pool2d(window, 3, 2))
        {
            Kernel = (3, 3),
            Stride = (2, 2),
            Padding = (1, 1),
        });

    /// <summary>Draws a layer for a map of c channels, h rows and w columns; it may not fit.</summary>
    public DrawnLayer Draw(long c, long h, long w)
    {
        switch (random.Next(40))
        {
            case <= 6:
                return Convolution(c);
            case 7 or 8:
                return Transposed(c);
            case 9 or 10:
                return MaxPooling();
            case 11 or 12:
                return AveragePooling();
            case 13 or 14:
                return Upsampling();
            case 15 when c % 4 == 0:
                return new(PixelShuffle(2), "shuffle");
            case 15 or 16 when h % 2 == 0 && w % 2 == 0:
                return new(PixelUnshuffle(2), "unshuffle");
            case 17:
                return random.Next(2) == 0
                    ? new(ZeroPad2d((random.Next(-1, 4), random.Next(-1, 4), random.Next(-1, 4), random.Next(-1, 4))), "pad zeros")
                    : new(ConstantPad2d((random.Next(4), random.Next(4), random.Next(4), random.Next(4)), 0.5), "pad constant");
            case 18:
                return new(ReflectionPad2d((random.Next(4), random.Next(4), random.Next(4), random.Next(4))), "pad reflect");
            case 19:
                return new(ReplicationPad2d((random.Next(4), random.Next(4), random.Next(4), random.Next(4))), "pad replicate");
            case 20:
                return new(BatchNorm(c), "batch norm");
            // Normalised over one or two channels a pixel is constant, and its gradient nothing but rounding.
            case 21 when c > 2:
                return random.Next(2) == 0 ? new(new ChannelLayerNorm(c), "layer norm") : new(LayerNorm(c), "layer norm, channels last");
            case 22:
                return random.Next(2) == 0
                    ? new(Linear(c, 1 + random.Next(4)), "linear, channels last")
                    : new(new ChannelScale(c, 0.7), "layer scale");
            case 23:
                return new(PReLU(random.Next(2) == 0 ? 1 : c), "PReLU");
            case 24 or 25:
                return new(ReLU(inplace: random.Next(2) == 0), "ReLU");
            case 26 or 27:
                return random.Next(3) switch
                {
                    0 => new(Dropout(0.3), "dropout"),
                    1 => new(Dropout2d(0.3), "dropout of channels"),
                    _ => new(new StochasticDepth(0.3), "stochastic depth"),
                };
            case 28:
                return new(new Blur(), "taught by the registry");
            case 29 or 30:
                return WindowAttention(c);
            case 31:
                return new(new NeighbourhoodAttention(c, Heads(c), 1 + (2 * random.Next(4))), "neighbourhood attention");
            case 32:
                return random.Next(2) == 0
                    ? new(new BlurPool(1 + random.Next(5), 1 + random.Next(3)), "blur pooling")
                    : new(new StackedPatches(), "stacked patches");
            default:
                return Activation(c);
        }
    }

    private DrawnLayer Convolution(long c)
    {
        var groups = c % 2 == 0 && random.Next(3) == 0 ? 2 : 1;
        var output = groups * (1 + random.Next(3));
        var mode = random.Next(4) switch { 0 => PaddingModes.Reflect, 1 => PaddingModes.Replicate, _ => PaddingModes.Zeros };
        (long, long) kernel =
            (1 + random.Next(5), 1 + random.Next(5)),
            dilation = (1 + random.Next(2), 1 + random.Next(2)),
            stride = (1 + random.Next(3), 1 + random.Next(3));
        (long, long) padding = (random.Next(4), random.Next(4));
        // TorchSharp mirrors by 'same' along the wrong axes unless both need the same padding.
        var same = random.Next(6) == 0
            && (mode == PaddingModes.Zeros || (kernel.Item1 - 1) * dilation.Item1 == (kernel.Item2 - 1) * dilation.Item2);
        var bias = random.Next(4) > 0;
        return new DrawnLayer(
            same
                ? Conv2d(
                    c, output, kernel, padding: TorchSharp.Padding.Same, dilation: dilation, groups: groups, padding_mode: mode, bias: bias)
                : Conv2d(
                    c,
                    output,
                    kernel,
                    stride: stride,
                    padding: padding,
                    dilation: dilation,
                    groups: groups,
                    padding_mode: mode,
                    bias: bias),
            "convolution")
            .With(groups > 1, "convolution with groups")
            .With(dilation != (1, 1), "convolution with dilation")
            .With(same, "convolution, padding same")
            .With(!same && padding.Item1 != padding.Item2, "convolution, uneven padding")
            .With(!same && stride != (1, 1), "convolution with stride")
            .With(mode == PaddingModes.Reflect, "convolution, padding reflect")
            .With(mode == PaddingModes.Replicate, "convolution, padding replicate");
    }

    private DrawnLayer Transposed(long c)
    {
        var groups = c % 2 == 0 && random.Next(3) == 0 ? 2 : 1;
        (long, long) stride = (1 + random.Next(3), 1 + random.Next(3));
        var outputPadding = random.Next((int)Math.Min(stride.Item1, stride.Item2));
        return new(
            ConvTranspose2d(
                c,
                groups * (1 + random.Next(3)),
                (1 + random.Next(4), 1 + random.Next(4)),
                stride: stride,
                padding: (random.Next(3), random.Next(3)),
                output_padding: (outputPadding, outputPadding), dilation: (
                    1 + random.Next(2), 1 + random.Next(2)), groups: groups, bias: random.Next(4) > 0),
            "transposed convolution");
    }

    private DrawnLayer MaxPooling()
    {
        long kernel = 1 + random.Next(4), dilation = 1 + random.Next(2);
        var ceiling = random.Next(2) == 0;
        return new DrawnLayer(
            MaxPool2d(kernel, 1 + random.Next(3), random.Next((int)kernel / 2 + 1), dilation: dilation, ceil_mode: ceiling), "max pooling")
            .With(ceiling, "max pooling in ceil mode")
            .With(dilation > 1 && kernel > 1, "max pooling with dilation");
    }

    private DrawnLayer AveragePooling()
    {
        (long, long) kernel = (1 + random.Next(4), 1 + random.Next(4));
        bool ceiling = random.Next(2) == 0, counted = random.Next(2) == 0;
        long? divisor = random.Next(6) == 0 ? 3 : null;
        return new DrawnLayer(
            AvgPool2d(
                kernel,
                (1 + random.Next(3), 1 + random.Next(3)),
                (random.Next((int)kernel.Item1 / 2 + 1), random.Next((int)kernel.Item2 / 2 + 1)),
                ceil_mode: ceiling, count_include_pad: counted, divisor_override: divisor),
            counted ? "average pooling, padding counted" : "average pooling, padding not counted")
            .With(ceiling, "average pooling in ceil mode")
            .With(divisor is not null, "average pooling with a divisor");
    }

    private DrawnLayer WindowAttention(long c)
    {
        var window = 1 + random.Next(7);
        var shift = random.Next(2) * random.Next(window);
        return new DrawnLayer(new WindowAttention(c, Heads(c), window, shift), "attention in windows")
            .With(shift > 0, "attention in shifted windows");
    }

    private long Heads(long c) => c % 2 == 0 ? 1 + random.Next(2) : 1;

    private DrawnLayer Upsampling()
    {
        var aligned = random.Next(2) == 0;
        return random.Next(6) switch
        {
            0 => new(Upsample(scale_factor: [1 + random.Next(3), 1 + random.Next(3)]), "nearest"),
            1 => new(Upsample(size: [1 + random.Next(60), 1 + random.Next(60)]), "nearest to a size"),
            2 => new(
                Upsample(scale_factor: [1 + random.Next(4), 1 + random.Next(4)], mode: UpsampleMode.Bilinear, align_corners: aligned),
                aligned ? "bilinear, corners aligned" : "bilinear"),
            3 => new(
                Upsample(scale_factor: [1 + random.Next(4), 1 + random.Next(4)], mode: UpsampleMode.Bicubic, align_corners: aligned),
                aligned ? "bicubic, corners aligned" : "bicubic"),
            4 => new(
                Upsample(size: [1 + random.Next(60), 1 + random.Next(60)], mode: UpsampleMode.Bicubic, align_corners: aligned),
                aligned ? "bicubic to a size, corners aligned" : "bicubic to a size"),
            _ => new(
                Upsample(size: [1 + random.Next(60), 1 + random.Next(60)], mode: UpsampleMode.Bilinear, align_corners: aligned),
                aligned ? "bilinear to a size, corners aligned" : "bilinear to a size"),
        };
    }

    private DrawnLayer Activation(long channels)
    {
        var inplace = random.Next(2) == 0;
        switch (random.Next(27))
        {
            case 0 when channels % 2 == 0:
                return new(GLU(1), "GLU");
            case 1 when channels % 2 == 0:
                return new(ChannelShuffle(2), "channel shuffle");
            case 2 when channels > 1:
                return new(Softmax(1), "softmax");
            case 3 when channels > 1:
                return new(LogSoftmax(1), "log softmax");
            case 4 when channels > 1:
                return new(Softmax2d(), "softmax 2d");
            case 5:
                return new(ReLU6(inplace), "ReLU6");
            case 6:
                return new(LeakyReLU(0.1, inplace), "leaky ReLU");
            case 7:
                return new(ELU(1, inplace), "ELU");
            case 8:
                return new(CELU(1, inplace), "CELU");
            case 9:
                return new(SELU(inplace), "SELU");
            case 10:
                return new(GELU(inplace), "GELU");
            case 11:
                return new(SiLU(inplace), "SiLU");
            case 12:
                return new(Mish(), "Mish");
            case 13:
                return new(Hardtanh(-0.7, 0.7, inplace: true), "hard tanh");
            case 14:
                return new(Hardswish(inplace), "hard swish");
            case 15:
                return new(Hardsigmoid(inplace), "hard sigmoid");
            case 16:
                return new(Sigmoid(inplace), "sigmoid");
            case 17:
                return new(Tanh(inplace), "tanh");
            case 18:
                return new(Softsign(), "softsign");
            case 19:
                return new(Threshold(0.123, 0.1, inplace), "threshold");
            case 20:
                return new(RReLU(0.1, 0.3, inplace), "RReLU");
            case 21:
                return new(Softshrink(0.123), "soft shrink");
            case 22:
                return new(Hardshrink(0.123), "hard shrink");
            case 23:
                return new(Tanhshrink(), "tanh shrink");
            case 24:
                return new(LogSigmoid(), "log sigmoid");
            default:
                return new(Softplus(), "softplus");
        }
    }

    private static TorchSharp.Modules.BatchNorm2d BatchNorm(long channels)
    {
        var norm = BatchNorm2d(channels);
        norm.running_mean!.copy_(randn(channels).Times(0.3));
        norm.running_var!.copy_(rand(channels).Plus(0.5));
        norm.weight!.copy_(rand(channels).Plus(0.5));
        norm.bias!.copy_(randn(channels).Times(0.3));
        return norm;
    }

    /// <summary>A layer of the test's own.</summary>
    private sealed class Blur() : Module<Tensor, Tensor>(nameof(Blur))
    {
        public override Tensor forward(Tensor input) => functional.avg_pool2d(input, 3, 2, 1);
    }
}
