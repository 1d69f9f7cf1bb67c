namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>A part of a project with rules of its own.</summary>
/// <param name="Name">What to call it.</param>
/// <param name="Members">
/// What is in it, from the project's folder on: a folder with all that is in it, a file, or the empty string for files that stand in no
/// folder. What names a file most closely counts.
/// </param>
/// <param name="Imports">The rooms, projects and packages that it may use.</param>
internal sealed record Room(string Name, string[] Members, string[] Imports)
{
    /// <summary>How closely the room names a file; null where the file is not in it.</summary>
    public int? Claim(string file) => Members
        .Where(
            member => member == file
                || (member.Length > 0 && file.StartsWith(member + "/", StringComparison.Ordinal))
                || (member.Length == 0 && !file.Contains('/', StringComparison.Ordinal)))
        .Select(member => (int?)member.Length)
        .Max();
}
