using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A small residual network with a norm behind each convolution.</summary>
internal sealed class NormedBlock : StreamingBlock
{
    public const long Channels = 6;

    private readonly Module<Tensor, Tensor> stem;
    private readonly Module<Tensor, Tensor> stemNorm;
    private readonly Module<Tensor, Tensor> branch;
    private readonly Module<Tensor, Tensor> last;

    /// <param name="norm">Makes a norm of <see cref="Channels"/> channels.</param>
    public NormedBlock(Func<Module<Tensor, Tensor>> norm)
        : base(nameof(NormedBlock))
    {
        // Without biases, whose gradients would be nothing but rounding.
        stem = Conv2d(3, Channels, 3, padding: 1, bias: false);
        stemNorm = norm();
        branch = Sequential(ReLU(), Conv2d(Channels, Channels, 3, padding: 1, bias: false), norm(), GELU());
        last = Sequential(Tanh(), Conv2d(Channels, 4, 3, stride: 2));
        RegisterComponents();
        foreach (var module in new[] { stemNorm, branch })
        {
            using var quiet = no_grad();
            foreach (var (name, parameter) in module.named_parameters())
            {
                if (parameter.Dimensions == 1)
                    parameter.uniform_(name.EndsWith("bias", StringComparison.Ordinal) ? -0.5 : 0.5, 1.5);
            }
        }
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var normed = input.Through(stem).Through(stemNorm);
        return (normed + normed.Through(branch)).Through(last);
    }
}
