namespace StreamingCnn.Imaging.Maps;

/// <summary>A class of positions: what it is called, and the colour that it is shown in.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Red">Red, 0 to 255.</param>
/// <param name="Green">Green.</param>
/// <param name="Blue">Blue.</param>
public sealed record MapClass(string Name, byte Red, byte Green, byte Blue)
{
    /// <summary>The most classes that a map can have: as many as a byte has values.</summary>
    public const int Most = 256;

    /// <summary>The number of positions without data; with it a map has one class fewer than <see cref="Most"/>.</summary>
    public const byte NoData = byte.MaxValue;

    // Told apart by people of all kinds of colour vision as far as so many can be (after Okabe and Ito), then by their hue.
    private static readonly (byte Red, byte Green, byte Blue)[] Colours =
    [
        (213, 94, 0), (0, 114, 178), (0, 158, 115), (230, 159, 0), (204, 121, 167), (86, 180, 233), (240, 228, 66), (148, 52, 16),
        (90, 60, 160), (120, 170, 40), (170, 170, 170), (60, 60, 60),
    ];

    /// <summary>Classes with colours of the library's choice: black for the first, which is the background as a rule.</summary>
    /// <param name="names">Their names, in the order of their numbers.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are more than <see cref="Most"/>.</exception>
    public static IReadOnlyList<MapClass> Of(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        MapClass[] classes = [.. names.Select((name, number) => number == 0 ? new(name, 0, 0, 0) : Coloured(name, number - 1))];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes.Length, Most, nameof(names));
        return classes;

        static MapClass Coloured(string name, int place)
        {
            // Beyond the list the same hues come again, darker each time, so that no two are the same.
            var (red, green, blue) = Colours[place % Colours.Length];
            var share = 1.0 / (1 + (place / Colours.Length * 0.25));
            return new(name, (byte)(red * share), (byte)(green * share), (byte)(blue * share));
        }
    }
}
