using System.Globalization;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>The names of classes: which texts are one class, and in which order they stand.</summary>
internal static class ClassNames
{
    /// <summary>2 before 10 where all are numbers, alphabetical otherwise; the same on every machine.</summary>
    public static List<string> Order(IEnumerable<string> names)
    {
        var distinct = names.Distinct(StringComparer.Ordinal).ToList();
        return distinct.TrueForAll(name => double.TryParse(name, CultureInfo.InvariantCulture, out _))
            ? [.. distinct.OrderBy(name => double.Parse(name, CultureInfo.InvariantCulture)).ThenBy(name => name, StringComparer.Ordinal)]
            : [.. distinct.Order(StringComparer.Ordinal)];
    }

    /// <summary>Finds texts that are one class, since they are one number or one truth value: 0 and 0.0, TRUE and True.</summary>
    /// <param name="texts">All texts of the column.</param>
    /// <param name="known">Classes that a model knows; they keep their names.</param>
    /// <param name="decimalComma">Whether 0,5 is a number.</param>
    /// <param name="notes">Told what was taken for one.</param>
    /// <returns>The class for each text that is not its own.</returns>
    public static Dictionary<string, string> Merge(
        IEnumerable<string> texts, IReadOnlyList<string> known, bool decimalComma, List<string> notes)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        var own = texts.ToHashSet(StringComparer.Ordinal);
        var valued = own.Union(known).Where(text => ValueOf(text, decimalComma) is not null);
        foreach (var equal in valued.GroupBy(text => ValueOf(text, decimalComma)))
        {
            var names = equal.Intersect(known).ToArray();
            // A model that was taught to tell 0 from 0.0 goes on doing so.
            if (equal.Count() == 1 || names.Length > 1)
                continue;
            var name = names.Length == 1
                ? names[0]
                : equal.OrderBy(text => text.Length).ThenBy(text => text, StringComparer.Ordinal).First();
            var others = equal.Where(text => text != name && own.Contains(text)).Order(StringComparer.Ordinal).ToArray();
            foreach (var other in others)
                merged[other] = name;
            if (others.Length > 0)
                notes.Add(
                    $"the labels {string.Join(", ", others.Select(other => $"'{other}'"))} mean the same as '{name}' "
                        + "and are taken for that class");
        }

        return merged;
    }

    /// <summary>Names that a person may have meant as one class, in sentences.</summary>
    public static IEnumerable<string> Alike(IEnumerable<string> classes) =>
        from twins in classes.GroupBy(TextForm.LookAlike)
        where twins.Count() > 1
        select $"the classes {string.Join(" and ", twins.Select(name => $"'{name}'"))} "
            + $"look alike but are taken for {twins.Count()}; write them alike if they are one";

    private static string? ValueOf(string text, bool decimalComma)
    {
        if (TableNumber.Truth(text) is { } truth)
            return truth ? "true" : "false";
        // Exponents are left out: 1E5 is the name of many a sample.
        var isPlain = text.All(letter => char.IsAsciiDigit(letter) || letter is '+' or '-' or '\u2212' or '.' or ',');
        return isPlain && TableNumber.TryParse(text, decimalComma, out var value)
            ? (value == 0 ? 0 : value).ToString("R", CultureInfo.InvariantCulture)
            : null;
    }
}
