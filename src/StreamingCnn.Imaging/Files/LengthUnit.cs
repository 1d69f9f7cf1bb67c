namespace StreamingCnn.Imaging;

/// <summary>Units of length as OME and ImageJ write them.</summary>
internal static class LengthUnit
{
    private const double Inch = 25400;

    private static readonly Dictionary<string, double> InMicrometres = new(StringComparer.Ordinal)
    {
        ["fm"] = 1e-9,
        ["pm"] = 1e-6,
        ["\u00c5"] = 1e-4,
        ["\u212b"] = 1e-4,
        ["nm"] = 1e-3,
        // Micro as sign, as Greek letter, and as what is left of it where text of one encoding was read as another.
        ["\u00b5m"] = 1,
        ["\u03bcm"] = 1,
        ["\ufffdm"] = 1,
        ["\u00c2\u00b5m"] = 1,
        ["\\u00B5m"] = 1,
        ["\\u00b5m"] = 1,
        ["um"] = 1,
        ["micron"] = 1,
        ["microns"] = 1,
        ["micrometer"] = 1,
        ["micrometre"] = 1,
        ["mm"] = 1e3,
        ["cm"] = 1e4,
        ["dm"] = 1e5,
        ["m"] = 1e6,
        ["dam"] = 1e7,
        ["hm"] = 1e8,
        ["km"] = 1e9,
        ["thou"] = Inch / 1000,
        ["mil"] = Inch / 1000,
        ["pt"] = Inch / 72,
        ["li"] = Inch / 12,
        ["in"] = Inch,
        ["inch"] = Inch,
        ["\""] = Inch,
        ["ft"] = 12 * Inch,
        ["yd"] = 36 * Inch,
    };

    /// <summary>Micrometres in the unit; null where it is unknown or no length, such as <c>pixel</c>.</summary>
    public static double? Micrometres(string unit) => InMicrometres.TryGetValue(unit.Trim(), out var factor) ? factor : null;
}
