using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>A task whose model gives scores of the image as a whole: what they mean, and their loss.</summary>
public abstract class ScoredTask : LearningTask
{
    /// <summary>The loss of one image.</summary>
    /// <param name="scores">What the model puts out, [1, outputs].</param>
    /// <param name="sample">The image.</param>
    /// <returns>A scalar.</returns>
    public abstract Tensor Loss(Tensor scores, TrainingSample sample);

    /// <summary>What an image is learned by, where that is not the plain loss.</summary>
    /// <param name="scores">What the model puts out, [1, outputs].</param>
    /// <param name="sample">The image.</param>
    /// <param name="options">How.</param>
    /// <returns>A scalar, without the image's weight.</returns>
    internal abstract Tensor Objective(Tensor scores, TrainingSample sample, LossOptions options);

    /// <summary>Probabilities or numbers from what the model puts out, [1, outputs].</summary>
    public abstract IReadOnlyList<double> Values(Tensor scores);

    /// <summary>A prediction with the loss that follows from its values.</summary>
    /// <param name="sample">The image.</param>
    /// <param name="values">A probability for each class or label, or the predicted numbers.</param>
    public Prediction Judge(TrainingSample sample, IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(values);
        return new(sample, values, LossOf(values, sample));
    }

    /// <summary>The loss of values, as <see cref="Loss"/> has it of what they came from.</summary>
    private protected abstract double LossOf(IReadOnlyList<double> values, TrainingSample sample);

    /// <summary>Probabilities as they would be if the scores that they come from were divided by a temperature.</summary>
    /// <exception cref="NotSupportedException">There are no probabilities.</exception>
    internal virtual IReadOnlyList<double> Tempered(IReadOnlyList<double> values, double temperature) => throw new NotSupportedException();

    /// <summary>The values of a tensor of any floating type.</summary>
    private protected static IReadOnlyList<double> Numbers(Tensor values) =>
        values.detach().to(ScalarType.Float64).cpu().flatten().data<double>().ToArray();

    /// <summary>By what the focal loss multiplies logarithms of probabilities.</summary>
    private protected static Tensor FocalFactor(Tensor logarithms, LossOptions options)
    {
        if (options.FocalExponent == 0)
            return ones_like(logarithms);
        // Held until libtorch has read them.
        using Scalar one = 1, least = 1e-12, exponent = options.FocalExponent;
        return logarithms.exp().neg().add(one, one).clamp_min(least).pow(exponent);
    }

    /// <summary>The logarithm of a probability; one that is 0 by rounding is taken for the least number above it.</summary>
    private protected static double Log(double probability) => Math.Log(Math.Max(probability, float.Epsilon));

    private protected static Tensor Targets(Tensor scores, TrainingSample sample) =>
        tensor(sample.Targets.ToArray(), [1, sample.Targets.Count], dtype: scores.dtype, device: scores.device);
}
