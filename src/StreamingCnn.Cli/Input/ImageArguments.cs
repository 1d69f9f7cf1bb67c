using System.Globalization;
using System.IO.Enumeration;
using CsvHelper;
using CsvHelper.Configuration;

namespace StreamingCnn.Cli.Input;

/// <summary>Files that a person names on the command line: one by one, by folder, by pattern, or in a table.</summary>
internal static class ImageArguments
{
    private const string AnyDepth = "**";

    // Of a folder only these are taken: it may hold tables and notes as well. A file that is named itself is taken whatever its name.
    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".tif", ".tiff", ".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".npy", ".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide",
    };

    private static readonly string[] ImageColumns = ["image", "path", "file"];

    /// <summary>All files that arguments name, in the order of the arguments, those of a folder or pattern by name; each once.</summary>
    /// <exception cref="ArgumentException">A folder, pattern or table names no image.</exception>
    public static IReadOnlyList<string> Expand(IEnumerable<string> arguments) => [.. arguments.SelectMany(Expand).Distinct()];

    private static IEnumerable<string> Expand(string argument)
    {
        if (Directory.Exists(argument))
        {
            var files = Directory.EnumerateFiles(argument, "*", SearchOption.AllDirectories).Where(file => IsVisible(argument, file) && Extensions.Contains(Path.GetExtension(file)));
            return Sorted(files, $"The folder '{argument}' holds no images; a file with another ending than {string.Join(", ", Extensions.Take(5))} ... has to be named itself.");
        }

        if (File.Exists(argument))
            return Path.GetExtension(argument).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? Listed(argument) : [argument];
        return argument.AsSpan().ContainsAny('*', '?') ? Sorted(Matching(argument), $"No file matches the pattern '{argument}'.") : [argument];
    }

    private static bool IsVisible(string folder, string file) => !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part.StartsWith('.'));

    private static string[] Sorted(IEnumerable<string> files, string complaint)
    {
        var sorted = files.Order(StringComparer.Ordinal).ToArray();
        return sorted.Length > 0 ? sorted : throw new ArgumentException(complaint);
    }

    /// <summary>Files of a pattern: <c>*</c> and <c>?</c> within a name, <c>**</c> for folders of any depth.</summary>
    private static IEnumerable<string> Matching(string pattern)
    {
        var parts = pattern.Split('/', Path.DirectorySeparatorChar);
        var plain = parts.TakeWhile(part => !part.AsSpan().ContainsAny('*', '?')).ToArray();
        var root = plain.Length == 0 ? "" : plain is [""] ? "/" : string.Join('/', plain);
        return Within(root, parts.AsMemory(plain.Length)).Distinct();
    }

    private static IEnumerable<string> Within(string folder, ReadOnlyMemory<string> parts)
    {
        var here = folder.Length == 0 ? "." : folder;
        if (!Directory.Exists(here))
            return [];
        var (part, rest) = (parts.Span[0], parts[1..]);
        if (part == AnyDepth)
        {
            var deeper = Directory.GetDirectories(here).Where(sub => !Path.GetFileName(sub).StartsWith('.')).SelectMany(sub => Within(Joined(folder, sub), parts));
            return rest.IsEmpty ? [.. Named(Directory.GetFiles(here), "*"), .. deeper] : [.. Within(folder, rest), .. deeper];
        }

        return rest.IsEmpty
            ? Named(Directory.GetFiles(here), part)
            : Directory.GetDirectories(here).Where(sub => FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(sub), ignoreCase: false)).SelectMany(sub => Within(Joined(folder, sub), rest));

        IEnumerable<string> Named(string[] files, string expression) => files
            .Where(file => !Path.GetFileName(file).StartsWith('.') && FileSystemName.MatchesSimpleExpression(expression, Path.GetFileName(file), ignoreCase: false))
            .Select(file => Joined(folder, file));
    }

    private static string Joined(string folder, string found) => folder.Length == 0 ? Path.GetFileName(found) : Path.Combine(folder, Path.GetFileName(found));

    /// <summary>The images of a table, relative to its folder; whether they are there is told one by one later.</summary>
    private static List<string> Listed(string table)
    {
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            DetectDelimiter = true,
            DetectDelimiterValues = [",", ";", "\t"],
            TrimOptions = TrimOptions.Trim,
        };
        using var reader = new StreamReader(table);
        using var parser = new CsvParser(reader, configuration);
        var names = parser.Read() ? parser.Record! : [];
        var column = ImageColumns.Select(name => Array.FindIndex(names, other => other.Equals(name, StringComparison.OrdinalIgnoreCase))).FirstOrDefault(place => place >= 0, -1);
        if (column < 0)
            throw new ArgumentException($"The table '{table}' has no column {string.Join(", ", ImageColumns)}; its columns are {string.Join(", ", names)}.");
        var folder = Path.GetDirectoryName(Path.GetFullPath(table))!;
        var images = new List<string>();
        while (parser.Read())
        {
            if (parser.Record!.Length > column && parser.Record[column].Length > 0)
                images.Add(Path.Combine(folder, parser.Record[column]));
        }

        return images.Count > 0 ? images : throw new ArgumentException($"The table '{table}' names no image below its first line.");
    }
}
