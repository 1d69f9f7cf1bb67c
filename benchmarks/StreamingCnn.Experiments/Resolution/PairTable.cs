using System.Globalization;
using System.Text;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>
/// What one change to a photograph does to a model's answer, all else equal. An area under the ROC curve holds each image against all
/// others, so an effect that is small beside the differences between photographs does not show in it; here it does.
/// </summary>
internal static class PairTable
{
    /// <summary>Writes a row for each arm: in how many pairs the score rises, and the median rise, the mean over the arm's runs.</summary>
    /// <param name="arms">The arms.</param>
    /// <param name="scores">For each arm and run the score of each image, the logarithm of the odds.</param>
    /// <param name="pairs">The images.</param>
    public static string Of(
        IReadOnlyList<Arm> arms, IReadOnlyList<IReadOnlyList<Dictionary<string, double>>> scores, IReadOnlyList<RetouchedPair> pairs)
    {
        var text = new StringBuilder("| log odds rise, median, and share of pairs | defect into a clean surface | defect on a worn surface | worn instead of clean surface, no defect |\n| --- | --- | --- | --- |\n");
        foreach (var (arm, runs) in arms.Zip(scores))
        {
            text.Append("| ").Append(arm.Name).Append(" | ").AppendJoin(
                " | ",
                Cell(runs, pair => pair.EarlyWithout, pair => pair.EarlyWith),
                Cell(runs, pair => pair.LateWithout, pair => pair.LateWith),
                Cell(runs, pair => pair.EarlyWithout, pair => pair.LateWithout)).Append(" |\n");
        }

        return text.ToString();

        string Cell(IReadOnlyList<Dictionary<string, double>> runs, Func<RetouchedPair, string> before, Func<RetouchedPair, string> after)
        {
            var rises = runs.Select(run => pairs.Select(pair => run[after(pair)] - run[before(pair)]).Order().ToArray()).ToArray();
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{rises.Average(run => run[run.Length / 2]):+0.00;-0.00;0.00}, {rises.Average(run => run.Average(rise => rise > 0 ? 1.0 : 0)):0 %}");
        }
    }
}
