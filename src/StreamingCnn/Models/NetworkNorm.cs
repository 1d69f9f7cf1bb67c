using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The normalisation of a network: what stands behind its convolutions.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Groups">Groups of a number of channels, for <see cref="NormKind.Group"/>.</param>
/// <param name="Eps">Added to the variance.</param>
/// <param name="Momentum">Weight of new statistics among the running ones.</param>
internal sealed record NetworkNorm(NormKind Kind, Func<long, long> Groups, double Eps = 1e-5, double Momentum = 0.1)
{
    private const long ChannelsOfAGroup = 8;

    /// <summary>A norm of networks that are published with batch norm alone, whose channels come in eights.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such norm.</exception>
    public static NetworkNorm InEights(NormKind kind, double eps = 1e-5, double momentum = 0.1) =>
        new NetworkNorm(kind, channels => channels / ChannelsOfAGroup, eps, momentum).Checked();

    /// <summary>A norm of residual networks, whose groups are 32 whatever the width.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such norm.</exception>
    public static NetworkNorm InGroupsOf32(NormKind kind) => new NetworkNorm(kind, _ => 32).Checked();

    /// <summary>The norm of a map.</summary>
    /// <param name="channels">Its channels.</param>
    public Module<Tensor, Tensor> Of(long channels) => Kind switch
    {
        NormKind.Group => OfGroups(channels),
        NormKind.Instance => InstanceNorm2d(channels, Eps, Momentum, affine: true),
        _ => BatchNorm2d(channels, Eps, Momentum),
    };

    /// <summary>A convolution without bias, its norm, and an activation, under torchvision's names 0, 1 and 2.</summary>
    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Taps along each side; padding keeps the size.</param>
    /// <param name="activation">The activation; null for none.</param>
    /// <param name="stride">Distance between windows.</param>
    /// <param name="groups">Groups of the convolution.</param>
    /// <param name="dilation">Distance between taps.</param>
    public Sequential Behind(
        long inputs,
        long outputs,
        long kernel,
        Module<Tensor, Tensor>? activation = null,
        long stride = 1,
        long groups = 1,
        long dilation = 1)
    {
        var convolution = Conv2d(
            inputs, outputs, kernel, stride: stride, padding: dilation * (kernel / 2), dilation: dilation, groups: groups, bias: false);
        init.kaiming_normal_(convolution.weight, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);
        return activation is null ? Sequential(convolution, Of(outputs)) : Sequential(convolution, Of(outputs), activation);
    }

    /// <summary>A convolution without bias, its norm and ReLU, with PyTorch's own initialisation, as torchvision's heads have it.</summary>
    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Taps along each side; padding keeps the size.</param>
    /// <param name="dilation">Distance between taps.</param>
    public Module<Tensor, Tensor>[] Layers(long inputs, long outputs, long kernel, long dilation = 1) =>
        [Conv2d(inputs, outputs, kernel, padding: dilation * (kernel / 2), dilation: dilation, bias: false), Of(outputs), ReLU()];

    /// <summary>TorchSharp leaves a group norm's weight and bias as memory happens to be.</summary>
    private GroupNorm OfGroups(long channels)
    {
        var norm = GroupNorm(Groups(channels), channels, Eps);
        init.ones_(norm.weight);
        init.zeros_(norm.bias);
        return norm;
    }

    private NetworkNorm Checked() => Enum.IsDefined(Kind)
        ? this
        : throw new ArgumentOutOfRangeException(
            "norm", Kind, "There is no such normalisation; choose Frozen, Batch, Group or Instance.");
}
