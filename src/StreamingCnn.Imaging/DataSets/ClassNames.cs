using System.Globalization;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>The order of classes: 2 before 10 where all are numbers, alphabetical otherwise; the same on every machine.</summary>
internal static class ClassNames
{
    public static List<string> Order(IEnumerable<string> names)
    {
        var distinct = names.Distinct(StringComparer.Ordinal).ToList();
        return distinct.TrueForAll(name => double.TryParse(name, CultureInfo.InvariantCulture, out _))
            ? [.. distinct.OrderBy(name => double.Parse(name, CultureInfo.InvariantCulture)).ThenBy(name => name, StringComparer.Ordinal)]
            : [.. distinct.Order(StringComparer.Ordinal)];
    }
}
