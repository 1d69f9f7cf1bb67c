using System.Globalization;

namespace StreamingCnn.Imaging;

/// <summary>Bands of an image file that are wanted, by number or by name, in the order in which they become channels.</summary>
public sealed record BandChoice
{
    // A file may name hundreds.
    private const int MostNames = 20;

    private readonly string text;

    private BandChoice(string text) => this.text = text;

    /// <summary>How many there are.</summary>
    public int Count => Wanted.Length;

    private string[] Wanted => text.Split(',');

    /// <summary>Reads a list such as <c>4,3,2</c> or <c>nir,red,green</c>.</summary>
    /// <param name="text">Numbers from 1, in the order of the file, or names that the file gives its bands; commas between them.</param>
    /// <exception cref="FormatException">A band is missing, named twice, or no number from 1.</exception>
    public static BandChoice Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] wanted = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(Normal)];
        if (wanted.Contains(""))
            throw new FormatException($"'{text}' is no list of bands; write numbers from 1 or names with commas between, such as 4,3,2.");
        if (wanted.GroupBy(band => band, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new FormatException($"The band '{twice.Key}' stands more than once in '{text}'; name each band once.");
        return wanted.Contains("0")
            ? throw new FormatException($"There is no band 0, as in '{text}'; bands are numbered from 1.")
            : new(string.Join(',', wanted));

        static string Normal(string band) => Number(band) is { } number ? number.ToString(CultureInfo.InvariantCulture) : band;
    }

    /// <summary>The list as <see cref="Parse"/> reads it.</summary>
    public override string ToString() => text;

    /// <summary>Indices of the bands in a file, from 0.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="count">Bands of the file as it is read, alpha included.</param>
    /// <param name="names">What the file calls each of them; null where it does not say.</param>
    /// <exception cref="ImageFormatException">The file has no such band, or several of that name.</exception>
    internal int[] Find(string path, int count, IReadOnlyList<string?> names)
    {
        int[] found = [.. Wanted.Select(band => Number(band) is { } number ? Numbered(number) : Named(band))];
        if (found.Index().FirstOrDefault(band => Array.IndexOf(found, band.Item) < band.Index) is { Index: > 0 } twice)
        {
            throw new ImageFormatException(
                path,
                $"band {twice.Item + 1} was asked for twice, by its number and by its name, in '{text}'; name each band once.");
        }

        return found;

        int Numbered(int number) => number <= count
            ? number - 1
            : throw new ImageFormatException(
                path, $"band {number} was asked for, but the image has {count} band(s), numbered from 1; choose among those.");

        int Named(string name)
        {
            int[] places =
            [
                .. names.Index().Where(one => name.Equals(one.Item, StringComparison.OrdinalIgnoreCase)).Select(one => one.Index),
            ];
            if (places.Length == 1)
                return places[0];
            if (places.Length > 1)
            {
                throw new ImageFormatException(
                    path, $"{places.Length} bands are called '{name}'; choose one of them by its number, from 1 to {count}.");
            }

            var known = names.OfType<string>().ToArray();
            var some = string.Join(", ", known.Length > MostNames ? [.. known.Take(MostNames), "..."] : known);
            throw new ImageFormatException(
                path,
                known.Length == 0
                    ? $"a band called '{name}' was asked for, but the file does not name its bands; choose by number, from 1 to {count}."
                    : $"there is no band called '{name}'; choose among {some}, or by number, from 1 to {count}.");
        }
    }

    private static int? Number(string band) =>
        band.All(char.IsAsciiDigit) && int.TryParse(band, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
