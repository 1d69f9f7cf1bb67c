using System.Globalization;
using System.Text;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>A comparison as a table: the areas of all runs, their means, and how far each arm is from the first.</summary>
internal static class ArmTable
{
    /// <summary>Writes the table.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="arms">The arms.</param>
    /// <param name="answer">What came out.</param>
    public static string Of(string question, IReadOnlyList<Arm> arms, Comparison answer)
    {
        var text = new StringBuilder($"| {question} | each run | mean | 95 % interval | less {arms[0].Name} | 95 % interval |\n| --- | --- | --- | --- | --- | --- |\n");
        foreach (var (i, arm) in arms.Index())
        {
            var runs = string.Join(
                "; ", answer.Runs[i].Select(run => string.Create(CultureInfo.InvariantCulture, $"{run.Value:0.000} ({run.Interval})")));
            var difference = i == 0
                ? "| | |"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {answer.Differences[i].Value:+0.000;-0.000;0.000} | {answer.Differences[i].Interval} |");
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {arm.Name} | {runs} | {answer.Means[i].Value:0.000} | {answer.Means[i].Interval} {difference}\n");
        }

        return text.ToString();
    }
}
