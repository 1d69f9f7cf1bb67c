using System.IO.Enumeration;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Data;

namespace StreamingCnn.Cli.Input;

/// <summary>Files that a person names on the command line: one by one, by folder, by pattern, or in a table.</summary>
internal static class ImageArguments
{
    private const string AnyDepth = "**";

    private static readonly HashSet<string> Tables = new(StringComparer.OrdinalIgnoreCase) { ".csv", ".tsv" };

    /// <summary>All files that arguments name, in the order of the arguments, those of a folder or pattern by name; each once.</summary>
    /// <param name="arguments">What stands on the command line.</param>
    /// <param name="tell">Told what is to be known of tables.</param>
    /// <param name="inputs">Columns of the images that the model sees side by side; null or none where it sees one image.</param>
    /// <exception cref="ArgumentException">
    /// A folder, pattern or table names no image; or an image is named alone, and the model sees several side by side.
    /// </exception>
    /// <exception cref="DataSetException">A table cannot be read.</exception>
    public static IReadOnlyList<ImageItem> Expand(
        IEnumerable<string> arguments, Action<string> tell, IReadOnlyList<InputColumn>? inputs = null) =>
    [
        .. arguments.SelectMany(argument => Expand(argument, tell, [.. (inputs ?? []).Select(input => input.Name)]))
            .DistinctBy(image => image.Path),
    ];

    private static IEnumerable<ImageItem> Expand(string argument, Action<string> tell, string[] inputs)
    {
        if (!Directory.Exists(argument) && File.Exists(argument) && Tables.Contains(Path.GetExtension(argument)))
        {
            var (images, notes) = ImageTable.Read(argument, inputs);
            foreach (var note in notes)
                tell($"{argument}: {note}.");
            return images;
        }

        if (inputs.Length > 0)
            throw new ArgumentException(
                $"The model sees {inputs.Length} images side by side, and '{argument}' does not say which; give a table (.csv) with the columns {string.Join(", ", inputs)}.");
        return Files(argument).Select(file => new ImageItem(file, -1, []));
    }

    private static string[] Files(string argument)
    {
        if (Directory.Exists(argument))
        {
            var files = Directory.EnumerateFiles(argument, "*", SearchOption.AllDirectories)
                .Where(file => IsVisible(argument, file) && ImageFiles.HasEnding(file));
            var endings = string.Join(", ", ImageFiles.Endings.Take(5));
            return Sorted(
                files, $"The folder '{argument}' holds no images; a file with another ending than {endings} ... has to be named itself.");
        }

        return !File.Exists(argument) && argument.AsSpan().ContainsAny('*', '?')
            ? Sorted(Matching(argument), $"No file matches the pattern '{argument}'.")
            : [argument];
    }

    private static bool IsVisible(string folder, string file) =>
        !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part.StartsWith('.'));

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
            var deeper = Directory.GetDirectories(here).Where(sub => !Path.GetFileName(sub).StartsWith('.')).SelectMany(
                sub => Within(Joined(folder, sub), parts));
            return rest.IsEmpty ? [.. Named(Directory.GetFiles(here), "*"), .. deeper] : [.. Within(folder, rest), .. deeper];
        }

        return rest.IsEmpty
            ? Named(Directory.GetFiles(here), part)
            : Directory.GetDirectories(here)
                .Where(sub => FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(sub), ignoreCase: false))
                .SelectMany(sub => Within(Joined(folder, sub), rest));

        IEnumerable<string> Named(string[] files, string expression) => files
            .Where(
                file => !Path.GetFileName(file).StartsWith('.')
                    && FileSystemName.MatchesSimpleExpression(expression, Path.GetFileName(file), ignoreCase: false))
            .Select(file => Joined(folder, file));
    }

    private static string Joined(string folder, string found) =>
        folder.Length == 0 ? Path.GetFileName(found) : Path.Combine(folder, Path.GetFileName(found));
}
