using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>How a head makes one vector of a feature map.</summary>
public enum HeadPooling
{
    /// <summary>The mean over all positions: evidence that is spread over the image.</summary>
    Average,

    /// <summary>The maximum over all positions: evidence that is in one place.</summary>
    Max,

    /// <summary>
    /// A weighted mean whose weights are learned: gated attention (Ilse, Tomczak and Welling, "Attention-based deep multiple instance learning", 2018), each
    /// position being an instance.
    /// </summary>
    Attention,
}

/// <summary>What sees a trunk's whole output: pooling over all positions, dropout, and a linear layer.</summary>
public sealed class PoolingHead : Module<Tensor, Tensor>
{
    private const long AttentionWidth = 128;

    private readonly HeadPooling pooling;
    private readonly Linear? attentionV;
    private readonly Linear? attentionU;
    private readonly Linear? attentionWeight;
    private readonly Dropout dropout;
    private readonly Linear classifier;

    /// <summary>Creates the head.</summary>
    /// <param name="channels">Channels of the trunk's output.</param>
    /// <param name="outputs">Numbers to put out, at least 1.</param>
    /// <param name="pooling">How to pool.</param>
    /// <param name="dropout">Share of the pooled features to drop in training, in [0, 1).</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PoolingHead(long channels, int outputs, HeadPooling pooling = HeadPooling.Average, double dropout = 0)
        : base(nameof(PoolingHead))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(dropout);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(dropout, 1);
        this.pooling = pooling;
        if (pooling == HeadPooling.Attention)
        {
            attentionV = Linear(channels, AttentionWidth);
            attentionU = Linear(channels, AttentionWidth);
            attentionWeight = Linear(AttentionWidth, 1);
        }

        this.dropout = Dropout(dropout);
        classifier = Linear(channels, outputs);
        RegisterComponents();
    }

    /// <summary>How the head pools.</summary>
    public HeadPooling Pooling => pooling;

    /// <summary>Numbers that it puts out.</summary>
    public int Outputs => (int)classifier.weight.shape[0];

    /// <summary>The linear layer from pooled features to outputs; its weight is [outputs, channels].</summary>
    public Linear Classifier => classifier;

    /// <summary>Scores of a feature map.</summary>
    /// <param name="map">[N, C, H, W].</param>
    /// <returns>[N, outputs].</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var pooled = pooling switch
        {
            HeadPooling.Average => map.mean([2, 3]),
            HeadPooling.Max => map.amax([2, 3]),
            _ => Attend(map.flatten(2).transpose(1, 2)),
        };
        return classifier.call(dropout.call(pooled)).MoveToOuterDisposeScope();
    }

    /// <param name="instances">[N, positions, C].</param>
    private Tensor Attend(Tensor instances)
    {
        var weights = attentionWeight!.call(attentionV!.call(instances).tanh() * attentionU!.call(instances).sigmoid()).softmax(1);
        return (weights * instances).sum(1);
    }
}
