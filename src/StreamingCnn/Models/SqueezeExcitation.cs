using StreamingCnn.Reductions;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>Squeeze-and-excitation, with torchvision's names.</summary>
internal sealed class SqueezeExcitation : StreamingBlock
{
    private readonly Conv2d fc1;
    private readonly Conv2d fc2;
    private readonly Module<Tensor, Tensor> activation;
    private readonly Module<Tensor, Tensor> scale_activation;

    public SqueezeExcitation(long channels, long squeezed, Module<Tensor, Tensor> activation, Module<Tensor, Tensor> gate)
        : base(nameof(SqueezeExcitation))
    {
        fc1 = Conv2d(channels, squeezed, 1);
        fc2 = Conv2d(squeezed, channels, 1);
        (this.activation, scale_activation) = (activation, gate);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var sums = input.Reduce(new SumReduction());
        var mean = GlobalTensor.Combine(tensors => (tensors[0] / tensors[1]).unsqueeze(-1).unsqueeze(-1), sums);
        return input.Scale(mean.Through(fc1).Through(activation).Through(fc2).Through(scale_activation));
    }
}
