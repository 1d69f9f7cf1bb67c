using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>How parameters are updated from their gradients.</summary>
public enum OptimizerKind
{
    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, 2019).</summary>
    AdamW,

    /// <summary>Adam (Kingma and Ba, 2015); weight decay is added to the gradient.</summary>
    Adam,

    /// <summary>Stochastic gradient descent with momentum; weight decay is added to the gradient.</summary>
    Sgd,
}

/// <summary>Makes optimizers.</summary>
internal static class Optimizers
{
    /// <summary>Makes one with a group of parameters for each share of the learning rate, in their order.</summary>
    public static OptimizerHelper Create(TrainingOptions options, IReadOnlyList<(double Factor, Parameter[] Parameters)> groups)
    {
        var (rate, decay) = (options.LearningRate, options.WeightDecay);
        return options.Optimizer switch
        {
            OptimizerKind.Adam =>
                optim.Adam(groups.Select(group => new Adam.ParamGroup { Parameters = group.Parameters }), rate, weight_decay: decay),
            OptimizerKind.Sgd => optim.SGD(
                groups.Select(group => new SGD.ParamGroup { Parameters = group.Parameters }), rate, options.Momentum, weight_decay: decay),
            _ => optim.AdamW(groups.Select(group => new AdamW.ParamGroup { Parameters = group.Parameters }), rate, weight_decay: decay),
        };
    }
}
