namespace StreamingCnn.Cli.Input;

/// <summary>What somebody may have meant by a word with a slip in it.</summary>
internal static class Suggestion
{
    // The time to compare grows with the product of the lengths.
    private const int LongestWord = 100;

    /// <summary>The words that are few slips away.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="known">What could have been meant.</param>
    /// <returns>A question to follow the complaint, such as "did you mean --epochs?"; null where nothing is near.</returns>
    public static string? For(string written, IEnumerable<string> known)
    {
        var letters = written.Trim('-').Length;
        // Of one letter any other is one slip away.
        if (written.Length > LongestWord || letters < 2)
            return null;
        // A slip for each three letters: what differs in more was hardly meant.
        var allowed = Math.Max(1, letters / 3);
        var near = known.Select(word => (Word: word, Slips: Slips(written.ToLowerInvariant(), word.ToLowerInvariant())))
            .Where(candidate => candidate.Slips <= allowed || IsBeginning(written, candidate.Word))
            .OrderBy(candidate => candidate.Slips).Select(candidate => candidate.Word).Take(2).ToArray();
        return near.Length == 0 ? null : $"did you mean {string.Join(" or ", near)}?";
    }

    /// <summary>The same question, to stand before what can be written at all; nothing where no word is near.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="known">What could have been meant.</param>
    public static string Ahead(string written, IEnumerable<string> known) => For(written, known) is { } question ? $"{question} Or " : "";

    private static bool IsBeginning(string written, string word) =>
        written.Trim('-').Length >= 3 && word.StartsWith(written, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Letters left out, put in, changed, or swapped with their neighbour, to come from one word to the other: the optimal string alignment
    /// distance (Damerau, 1964).
    /// </summary>
    private static int Slips(string one, string other)
    {
        var distance = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
        {
            for (var j = 0; j <= other.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distance[i, j] = i + j;
                    continue;
                }

                var change = one[i - 1] == other[j - 1] ? 0 : 1;
                distance[i, j] = Math.Min(Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1, distance[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                    distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
            }
        }

        return distance[one.Length, other.Length];
    }
}
