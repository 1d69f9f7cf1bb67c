namespace StreamingCnn.Docs.Tests;

/// <summary>Imports stand in one order, as <c>dotnet format</c> puts them: those of System first, static ones and aliases last.</summary>
/// <remarks>All other rules of style are warnings of the build; to run the formatter for this one takes a minute.</remarks>
public sealed class ImportOrderTests
{
    [Fact]
    public void Imports_are_in_order()
    {
        var wrong = new[] { "src", "tests", "benchmarks" }.SelectMany(Repository.Sources)
            .Where(path => !IsInOrder(File.ReadLines(path)))
            .Select(path => Path.GetRelativePath(Repository.Folder, path)).ToArray();

        Assert.True(wrong.Length == 0, $"Put these files' imports in order by dotnet format: {string.Join(", ", wrong)}");
    }

    [Theory]
    [InlineData(true, "using System.Text;", "using StreamingCnn;", "using static TorchSharp.torch;", "namespace A;")]
    [InlineData(true, "using B;", "using static A.C;", "using Z = System.Text.Rune;")]
    [InlineData(false, "using StreamingCnn;", "using System.Text;")]
    [InlineData(false, "using static A.C;", "using B;")]
    [InlineData(false, "using TorchSharp;", "using NetVips;")]
    public void It_is_told_from_the_first_lines(bool isInOrder, params string[] lines) => Assert.Equal(isInOrder, IsInOrder(lines));

    private static bool IsInOrder(IEnumerable<string> lines)
    {
        var imports = lines.TakeWhile(line => !line.StartsWith("namespace ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';')
                && !line.StartsWith("using var", StringComparison.Ordinal))
            .Select(line => line["using ".Length..^1]).ToArray();
        return imports.SequenceEqual(imports
            .OrderBy(name => name.Contains(" = ", StringComparison.Ordinal) ? 2 : name.StartsWith("static ", StringComparison.Ordinal) ? 1 : 0)
            .ThenBy(name => Bare(name) is "System" || Bare(name).StartsWith("System.", StringComparison.Ordinal) ? 0 : 1)
            .ThenBy(Bare, Comparer<string>.Create(static (one, other) => ByNamespaces(one, other))));
    }

    private static string Bare(string name) => name.StartsWith("static ", StringComparison.Ordinal) ? name["static ".Length..] : name;

    // Part by part, and not dot by dot: A.B stands before AB.
    private static int ByNamespaces(string one, string other)
    {
        foreach (var (a, b) in one.Split('.').Zip(other.Split('.')))
        {
            if (string.Compare(a, b, StringComparison.OrdinalIgnoreCase) is var order and not 0)
                return order;
        }

        return one.Count(character => character == '.') - other.Count(character => character == '.');
    }
}
