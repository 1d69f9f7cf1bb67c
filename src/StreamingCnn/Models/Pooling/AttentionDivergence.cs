using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// How far a student's attention is from a teacher's, for each channel: the Kullback-Leibler divergence Σ q_i log(q_i / p_i) over all valid
/// positions, where q = σ(t / T) / Σ σ(t / T) of the teacher's map t, and p is the softmax of the student's z.
/// </summary>
/// <remarks>The teacher gets no gradient; a student's is p − q.</remarks>
public sealed class AttentionDivergence : ScoredPooling
{
    private readonly double temperature;

    /// <summary>Creates the pooling.</summary>
    /// <param name="temperature">The teacher's temperature T, above 0.</param>
    /// <param name="masked">Whether the network has a mask as its last input.</param>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not above 0.</exception>
    public AttentionDivergence(double temperature = 1, bool masked = false)
        : base(nameof(AttentionDivergence), masked)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        this.temperature = temperature;
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="values">The student's map z [N, C, H, W].</param>
    /// <param name="scores">The teacher's map t, [N, C, H, W], or [N, 1, H, W] for all channels.</param>
    /// <param name="mask">Of valid positions; null where all are.</param>
    public override GlobalTensor Of(FeatureMap values, FeatureMap scores, FeatureMap? mask = null)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var positions = new Positions(values, mask);
        // With l = log σ(t / T), of which q is the softmax: Σ q (l - z), less the logarithms of the sums of exponentials of l and z.
        var teacher = scores.AtEachPosition("LogSigmoid", (maps, _) => maps[0].detach().Over(temperature).log_sigmoid());
        var difference = teacher.AtEachPosition("Difference", (maps, _) => maps[0] - maps[1], [values]);
        return GlobalTensor.Precisely(
            "Divergence",
            parts => Divergence(parts[0], parts[1], parts[2], parts[3]),
            [positions.SoftmaxMean(difference, teacher), positions.LogSumExp(teacher), positions.LogSumExp(values), positions.Count]);
    }

    private static Tensor Divergence(Tensor difference, Tensor teacher, Tensor student, Tensor count)
    {
        var isNone = count.logical_not();
        return difference - (teacher.FilledWhere(isNone, 0) - student.FilledWhere(isNone, 0));
    }
}
