using System.CommandLine;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Cli.Input;

/// <summary>What <c>scnn evaluate</c> judges of maps of classes besides their pixels.</summary>
internal sealed class JudgingOptions
{
    private readonly Option<double?> overlap = CommonOptions.OptionalReal(
        "--overlap",
        "Of models that give maps: judge objects, too. A found region is right whose box has an intersection over union above this with that of a true object of its class, "
        + "such as 0.33 or 0.5. Default: objects are not judged.",
        0,
        0.999999);

    private readonly Option<double?> threshold = CommonOptions.OptionalReal(
        "--threshold",
        "Of --overlap and --boundary-tolerance: least probability of the classes behind the first, as in scnn predict. Default: the likeliest class of all.",
        0,
        1);

    private readonly Option<double?> leastArea = CommonOptions.OptionalReal(
        "--min-area", "Of --overlap: smallest region that is a found object, in pixels that the model reads. Default: all.", 0, double.MaxValue);

    private readonly Option<double?> leastScore = CommonOptions.OptionalReal(
        "--min-score",
        "Of --overlap: least score of the found objects that count in object precision, recall and F1; average precision is of all. Default: all count.",
        0,
        1);

    private readonly Option<double?> boxCore = CommonOptions.BoxCore("found boxes are made larger by as much. Default: as in training.");

    private readonly Option<int?> tolerance = CommonOptions.OptionalNumber(
        "--boundary-tolerance",
        $"Of models that give maps: judge boundaries of classes, too. A pixel of one is right that has one of the other within so many pixels, at most {MapJudging.MostTolerance}. Default: they are not judged.",
        0);

    private readonly Option<MapAverage> average = CommonOptions.MapAverage();

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> All => [overlap, threshold, leastArea, leastScore, boxCore, tolerance, average];

    /// <summary>The first of them that stands on the command line; null for none.</summary>
    public Option? Given(ParseResult parsed) => All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false });

    /// <summary>The middle share of drawn boxes; null for that of training.</summary>
    public double? BoxCore(ParseResult parsed) => parsed.GetValue(boxCore);

    /// <summary>The views that are averaged.</summary>
    public MapAverage Average(ParseResult parsed) => parsed.GetValue(average);

    /// <summary>What is to be judged.</summary>
    /// <exception cref="ArgumentException">An option is of something that is not judged.</exception>
    public MapJudging Of(ParseResult parsed)
    {
        var judging = new MapJudging
        {
            Overlap = parsed.GetValue(overlap),
            Threshold = parsed.GetValue(threshold),
            LeastArea = parsed.GetValue(leastArea) ?? 0,
            LeastScore = parsed.GetValue(leastScore) ?? 0,
            BoundaryTolerance = parsed.GetValue(tolerance),
        };
        if (parsed.GetValue(leastArea) is not null && judging.Overlap is null)
            throw new ArgumentException("--min-area is of objects, which --overlap judges; give both, or leave it out.");
        if (parsed.GetValue(leastScore) is not null && judging.Overlap is null)
            throw new ArgumentException("--min-score is of objects, which --overlap judges; give both, or leave it out.");
        if (judging is { Threshold: not null, IsAny: false })
            throw new ArgumentException("--threshold is of --overlap and --boundary-tolerance; give one of them, or leave it out.");
        judging.Validate();
        return judging;
    }
}
