using System.Globalization;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>What a TIFF of a map says of itself in words, as <see cref="Maps.ClassMapFile"/> and others write it.</summary>
internal static class MapDescription
{
    /// <summary>How the description of a map of probabilities begins.</summary>
    public const string Probabilities = "Probabilities: ";

    private const string Classes = "Classes: ";

    /// <summary>The description of a file's first page; empty where it is no TIFF, or has none.</summary>
    public static string Of(string path) => First(path)?.Description ?? "";

    /// <summary>The first page of a TIFF; null for others.</summary>
    public static TiffDirectory? First(string path)
    {
        var head = new byte[16];
        using (var file = File.OpenRead(path))
            file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return FileSignature.Of(head) == FileKind.Tiff ? TiffFile.Read(path).Directories[0] : null;
    }

    /// <summary>Names of classes by their numbers, from such as <c>Classes: 0 glass, 1 tissue</c>; empty where there are none.</summary>
    public static IReadOnlyList<string> NamesOf(string description)
    {
        if (!description.StartsWith(Classes, StringComparison.Ordinal))
            return [];
        var names = new List<string>();
        var text = description[Classes.Length..];
        while (true)
        {
            var number = names.Count.ToString(CultureInfo.InvariantCulture) + " ";
            if (!text.StartsWith(number, StringComparison.Ordinal))
                return names;
            text = text[number.Length..];
            // A name may hold commas itself.
            var end = text.IndexOf(string.Create(CultureInfo.InvariantCulture, $", {names.Count + 1} "), StringComparison.Ordinal);
            names.Add(end < 0 ? text.TrimEnd('\0') : text[..end]);
            text = end < 0 ? "" : text[(end + 2)..];
        }
    }
}
