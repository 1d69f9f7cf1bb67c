using System.CommandLine;
using StreamingCnn.Training.Heads;

namespace StreamingCnn.Cli.Input;

/// <summary>How a model's head pools.</summary>
internal sealed class PoolingOptions
{
    /// <summary>How.</summary>
    public Option<HeadPooling> Pooling { get; } = CommonOptions.Choice(
        "--pooling",
        "How the head pools the feature map (lse: log-sum-exp; gem: generalised mean; topk: mean of the largest values)",
        HeadPooling.Max,
        NameOf);

    /// <summary>The number that some poolings have.</summary>
    public Option<double?> Number { get; } = CommonOptions.OptionalReal(
        "--pooling-number",
        "The number of a pooling that has one: r of lse, p of gem, k of topk. "
        + $"Default: {Default(HeadPooling.LogSumExp)}, {Default(HeadPooling.GeM)} and {Default(HeadPooling.TopK)}.",
        0,
        double.MaxValue);

    /// <summary>A pooling as it is written.</summary>
    public static string NameOf(HeadPooling pooling) =>
        pooling == HeadPooling.LogSumExp ? "lse" : pooling.ToString().ToLowerInvariant();

    /// <exception cref="ArgumentException">A number is given that the pooling does not have, or cannot have.</exception>
    public void Check(ParseResult parsed)
    {
        if (parsed.GetValue(Number) is not { } number)
            return;
        var pooling = parsed.GetValue(Pooling);
        if (PoolingHead.DefaultNumber(pooling) is null)
        {
            throw new ArgumentException(
                $"--pooling-number is of --pooling lse, gem and topk alone, and not of {NameOf(pooling)}; leave it out, or choose one of those.");
        }

        if (pooling == HeadPooling.TopK && (number != Math.Floor(number) || number > int.MaxValue))
        {
            throw new ArgumentException(
                FormattableString.Invariant(
                    $"--pooling-number is {number}, but --pooling topk takes a whole number of values; write one such as 10."));
        }
    }

    private static double Default(HeadPooling pooling) => PoolingHead.DefaultNumber(pooling)!.Value;
}
