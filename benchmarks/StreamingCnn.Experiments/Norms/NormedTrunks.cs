using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Norms;

/// <summary>
/// The network <c>small</c> with a norm behind each of its five convolutions, whose first weights are those of <c>small</c>.
/// </summary>
public abstract class NormedTrunk : StreamingBlock
{
    private readonly Sequential layers;

    private protected NormedTrunk(int channels, Func<long, Module<Tensor, Tensor>> norm)
        : base(nameof(NormedTrunk))
    {
        layers = Sequential(PaperTrunks.Small(channels).children().Cast<Module<Tensor, Tensor>>()
            .SelectMany(layer => layer is Conv2d convolution ? [layer, norm(convolution.out_channels)] : new[] { layer }));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(layers);
    }
}

/// <summary>With batch norm: <c>--norm frozen</c> or <c>batch</c>.</summary>
/// <param name="channels">Channels of the image.</param>
public sealed class SmallWithBatchNorm(int channels) : NormedTrunk(channels, width => BatchNorm2d(width));

/// <summary>With group norm, eight channels a group.</summary>
/// <param name="channels">Channels of the image.</param>
public sealed class SmallWithGroupNorm(int channels) : NormedTrunk(channels, Groups)
{
    /// <summary>TorchSharp leaves weight and bias as memory happens to be.</summary>
    private static GroupNorm Groups(long width)
    {
        var norm = GroupNorm(width / 8, width);
        init.ones_(norm.weight);
        init.zeros_(norm.bias);
        return norm;
    }
}

/// <summary>With instance norm that has weights.</summary>
/// <param name="channels">Channels of the image.</param>
public sealed class SmallWithInstanceNorm(int channels) : NormedTrunk(channels, width => InstanceNorm2d(width, affine: true));
