using System.Reflection;

namespace StreamingCnn.Cli.Viewing;

/// <summary>The files of the page that are the same for all images. They are carried within the program.</summary>
internal static class PageFiles
{
    /// <summary>The page itself.</summary>
    public const string Index = "index.html";

    private const string Prefix = "page/";

    /// <summary>Names of all of them.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[Prefix.Length..])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>A file's bytes; null where there is no such file.</summary>
    public static byte[]? Find(string name)
    {
        if (!Names.Contains(name))
            return null;
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Prefix + name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
