using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A residual block of RegNetY with torchvision's parameter names: a 3x3 convolution in groups between two of 1x1, and a gate of squeeze
/// and excitation behind the 3x3.
/// </summary>
internal sealed class RegNetBlock : StreamingBlock
{
    // Channels of the gate's middle, as a part of the block's input.
    private const double Squeeze = 0.25;

    private readonly Sequential? proj;
    private readonly Sequential f;
    private readonly ReLU activation = ReLU();

    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="stride">Stride of the 3x3 convolution.</param>
    /// <param name="group">Channels of one of its groups.</param>
    /// <param name="norm">The norms.</param>
    public RegNetBlock(long inputs, long outputs, long stride, long group, NetworkNorm norm)
        : base(nameof(RegNetBlock))
    {
        if (stride != 1 || inputs != outputs)
            proj = norm.Behind(inputs, outputs, 1, stride: stride);
        f = Sequential(
            ("a", norm.Behind(inputs, outputs, 1, ReLU())),
            ("b", norm.Behind(outputs, outputs, 3, ReLU(), stride, outputs / group)),
            ("se", new SqueezeExcite(outputs, (long)Math.Round(Squeeze * inputs), ReLU(), Sigmoid())),
            ("c", norm.Behind(outputs, outputs, 1)));
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input) =>
        ((proj is null ? input : input.Through(proj)) + input.Through(f)).Through(activation);
}
