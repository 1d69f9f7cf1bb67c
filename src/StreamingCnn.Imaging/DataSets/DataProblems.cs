using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>
/// Collects what is wrong with a data set, to say it in one sentence for each kind of mistake with all the lines, or
/// the first few files, that it is found in.
/// </summary>
public sealed partial class DataProblems
{
    private const int MostRanges = 20;
    private const int MostSubjects = 3;

    private readonly List<Found> all = [];

    private sealed record Found(string Problem, int Line, string? Subject, string? Role);

    /// <summary>How many there are.</summary>
    public int Count => all.Count;

    /// <summary>Adds a problem.</summary>
    /// <param name="problem">
    /// What is wrong, a sentence without its full stop. Sentences that differ in numbers and in what stands in quotes
    /// alone are of one kind.
    /// </param>
    /// <param name="line">Line of the table; 0 for none.</param>
    /// <param name="subject">What it is wrong with, such as a file; null where the line says enough.</param>
    /// <param name="role">What the subject is, such as image or mask; null where it goes without saying.</param>
    public void Add(string problem, int line = 0, string? subject = null, string? role = null)
    {
        ArgumentNullException.ThrowIfNull(problem);
        all.Add(new(problem, line, subject, role));
    }

    /// <summary>One sentence for each kind, in the order of the lines.</summary>
    public IReadOnlyList<string> Sentences =>
    [
        .. all
            .GroupBy(one => (
                Kind: Particulars().Replace(one.Problem, "…"), HasLine: one.Line > 0, HasSubject: one.Subject is not null, one.Role))
            .Select(kind => kind.OrderBy(one => one.Line).ToArray())
            .OrderBy(kind => kind[0].Line)
            .Select(Sentence),
    ];

    /// <summary>Says what is wrong, if anything is.</summary>
    /// <param name="path">The table or folder.</param>
    /// <exception cref="DataSetException">There are problems.</exception>
    public void ThrowIfAny(string path)
    {
        if (all.Count > 0)
            throw new DataSetException(path, Sentences);
    }

    /// <summary>Numbers in words for a sentence, those that follow each other as a range.</summary>
    internal static string Lines(IEnumerable<int> lines)
    {
        var ranges = new List<(int First, int Last)>();
        foreach (var line in lines.Distinct().Order())
        {
            if (ranges.Count > 0 && ranges[^1].Last == line - 1)
                ranges[^1] = (ranges[^1].First, line);
            else
                ranges.Add((line, line));
        }

        var texts = ranges.Take(MostRanges).Select(range => range.First == range.Last ? Text(range.First)
            : range.Last == range.First + 1 ? $"{Text(range.First)}, {Text(range.Last)}" : $"{Text(range.First)} to {Text(range.Last)}");
        var more = ranges.Skip(MostRanges).Sum(range => range.Last - range.First + 1);
        var isOne = ranges.Count == 1 && ranges[0].First == ranges[0].Last;
        return $"{(isOne ? "line" : "lines")} {string.Join(", ", texts)}{(more > 0 ? $" and {Text(more)} more" : "")}";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Sentence(Found[] kind)
    {
        var problems = kind.Select(one => one.Problem).Distinct().ToArray();
        var problem = kind[0].Subject is not null
            ? $"{Subjects(kind)}: {problems[0]}{(problems.Length > 1 ? " (so the first; the others likewise)" : "")}"
            : string.Join("; ", problems.Take(MostSubjects)) + (problems.Length > MostSubjects ? "; ..." : "");
        return kind[0].Line > 0 ? $"{Lines(kind.Select(one => one.Line))}: {problem}" : problem;
    }

    private static string Subjects(Found[] kind)
    {
        var subjects = kind.Select(one => one.Subject).Distinct().ToArray();
        var role = kind[0].Role is { } named ? $"the {named}{(subjects.Length > 1 ? "s" : "")} " : "";
        var more = subjects.Length > MostSubjects ? $" and {Text(subjects.Length - MostSubjects)} more" : "";
        return $"{role}{string.Join(", ", subjects.Take(MostSubjects))}{more}";
    }

    [GeneratedRegex(@"'[^']*'|\d+(\.\d+)?")]
    private static partial Regex Particulars();
}
