using StreamingCnn.Interop;
using StreamingCnn.Reductions;

namespace StreamingCnn.Models;

/// <summary>The valid positions of a map, and sums over them.</summary>
internal sealed class Positions
{
    private readonly FeatureMap? valid;
    private readonly FeatureMap like;
    private GlobalTensor? count;

    /// <param name="like">A map of the size.</param>
    /// <param name="mask">Not 0 at valid positions, in any channel; null where all are.</param>
    public Positions(FeatureMap like, FeatureMap? mask)
    {
        ArgumentNullException.ThrowIfNull(like);
        this.like = like;
        valid = mask?.ValidPositions();
    }

    /// <summary>Whether a mask may have removed some.</summary>
    public bool AreMasked => valid is not null;

    /// <summary>How many there are in each image, [N, 1].</summary>
    public GlobalTensor Count => count ??= valid is null
        ? like.Slice(0, 1).Reduce(new SumReduction())[1]
        : valid.Reduce(new SumReduction())[0];

    /// <summary>A map whose values elsewhere are replaced.</summary>
    public FeatureMap Valid(FeatureMap values, double elsewhere = 0) => valid is null ? values : values.WhereValid(valid, elsewhere);

    /// <summary>The sum over them, [N, C].</summary>
    public GlobalTensor Sum(FeatureMap values) => Valid(values).Reduce(new SumReduction())[0];

    /// <summary>The mean over them, [N, C]; 0 where there are none.</summary>
    public GlobalTensor Mean(FeatureMap values) => OverCount(Sum(values));

    /// <summary>A sum over the number of positions; 0 where there are none.</summary>
    public GlobalTensor OverCount(GlobalTensor sum) =>
        GlobalTensor.Precisely("Mean", parts => parts[0] / parts[1].NoLessThan(1), [sum, Count]);

    /// <summary>The sum of squared differences from the mean, [N, C].</summary>
    public GlobalTensor Squares(FeatureMap values) => valid is null
        ? values.Reduce(new MomentsReduction())[1]
        : Valid(values).Reduce(new MomentsReduction(weighted: true), valid)[1];

    /// <summary>The mean over them weighted by the softmax of scores, [N, C]; 0 where there are none.</summary>
    public GlobalTensor SoftmaxMean(FeatureMap values, FeatureMap scores) => valid is null
        ? values.Reduce(new SoftmaxSumReduction(), scores)[0]
        : values.Reduce(new SoftmaxSumReduction(masked: true), scores, valid)[0];

    /// <summary>The logarithm of the sum of exponentials, [N, C]; minus infinity where there are none.</summary>
    public GlobalTensor LogSumExp(FeatureMap values) => valid is null
        ? values.Reduce(new LogSumExpReduction())[0]
        : values.Reduce(new LogSumExpReduction(masked: true), valid)[0];
}
