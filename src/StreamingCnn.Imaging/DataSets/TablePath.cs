using System.Text;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>Paths in tables.</summary>
internal static class TablePath
{
    /// <summary>The absolute path of a field.</summary>
    /// <param name="root">Folder that relative paths start from.</param>
    /// <param name="field">The field.</param>
    public static string Find(string root, string field)
    {
        // Lists written on Windows have backslashes in relative paths.
        var local = Path.DirectorySeparatorChar == '/' && !field.StartsWith('/') ? field.Replace('\\', '/') : field;
        var full = Path.GetFullPath(Path.Combine(root, local.Replace("\0", "", StringComparison.Ordinal)));
        if (Ascii.IsValid(local) || File.Exists(full))
            return full;
        // A file that came from a Mac may have its accents apart from their letters, where the table has them composed,
        // and the other way round.
        return new[] { Composition.Compose(local), Composition.Decompose(local), TextForm.Clean(local) }
            .Select(text => Path.GetFullPath(Path.Combine(root, text))).FirstOrDefault(File.Exists) ?? full;
    }
}
