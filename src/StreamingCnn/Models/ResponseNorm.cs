using StreamingCnn.Reductions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>Global response normalisation.</summary>
internal sealed class ResponseNorm : StreamingBlock
{
    private const double Eps = 1e-6;
    private readonly Parameter weight;
    private readonly Parameter bias;

    public ResponseNorm(long channels)
        : base(nameof(ResponseNorm))
    {
        weight = Parameter(zeros(channels));
        bias = Parameter(zeros(channels));
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var energy = (input * input).Reduce(new SumReduction())[0];
        var factor = energy.Apply(
            sums =>
            {
                // As a norm's, the gradient is 0 where the norm is; that of the root would be infinite.
                var isZero = sums.logical_not();
                var norm = sums.masked_fill(isZero, 1).sqrt().masked_fill(isZero, 0);
                return 1 + (weight * norm / (norm.mean([1], keepdim: true) + Eps));
            },
            weight);
        return input.Scale(factor).Shift(energy.Apply(_ => bias.unsqueeze(0), bias));
    }
}
