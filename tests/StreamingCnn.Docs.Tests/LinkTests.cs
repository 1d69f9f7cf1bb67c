namespace StreamingCnn.Docs.Tests;

/// <summary>Links within the repository lead somewhere.</summary>
public class LinkTests
{
    [Fact]
    public void Every_link_to_a_file_or_heading_resolves()
    {
        var documents = Document.All().ToDictionary(document => document.Name);
        var broken = new List<string>();
        foreach (var document in documents.Values)
        {
            foreach (var (line, target) in document.Links()
                .Where(
                    link => !link.Target.Contains("://", StringComparison.Ordinal)
                        && !link.Target.StartsWith("mailto:", StringComparison.Ordinal)))
            {
                var (file, anchor) = target.Split('#') is [var path, var heading] ? (path, heading) : (target, null);
                var name = file.Length == 0 ? document.Name : Normalised(Path.Combine(Path.GetDirectoryName(document.Name)!, file));
                if (!Path.Exists(Repository.PathOf(name)))
                    broken.Add($"{document.Name}:{line}: there is no {name}.");
                else if (anchor is not null && documents.TryGetValue(name, out var other) && !other.Anchors().Contains(anchor))
                    broken.Add($"{document.Name}:{line}: {name} has no heading #{anchor}.");
            }
        }

        Assert.True(broken.Count == 0, string.Join(Environment.NewLine, broken));
    }

    [Fact]
    public void Every_page_is_in_the_index()
    {
        var documents = Document.All().ToDictionary(document => document.Name);
        var listed =
            documents["docs/README.md"].Links().Select(link => Normalised(Path.Combine("docs", link.Target.Split('#')[0]))).ToHashSet();

        Assert.Empty(
            documents.Keys.Where(name => name.StartsWith("docs/", StringComparison.Ordinal) && name != "docs/README.md").Except(listed));
        Assert.Contains(documents["README.md"].Links(), link => link.Target is "docs/README.md" or "docs/");
    }

    private static string Normalised(string path) =>
        Path.GetRelativePath(Repository.Folder, Path.GetFullPath(Path.Combine(Repository.Folder, path))).Replace('\\', '/');
}
