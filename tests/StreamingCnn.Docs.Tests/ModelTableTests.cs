using StreamingCnn.Models;

namespace StreamingCnn.Docs.Tests;

public class ModelTableTests
{
    /// <summary>Where a line lists sizes of one network, the name may be shortened to its end: `-b1`.</summary>
    [Fact]
    public void Every_network_stands_in_the_table()
    {
        var named = File.ReadLines(Repository.PathOf("docs/models.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Names(line.Split('|')[1].Split('`').Where((_, index) => index % 2 == 1)))
            .Where(ModelCatalog.Names.Contains);

        Assert.Equal(ModelCatalog.Names.Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Names(IEnumerable<string> written)
    {
        var family = "";
        foreach (var name in written)
        {
            if (!name.StartsWith('-'))
                family = name[..Math.Max(0, name.LastIndexOf('-'))];
            yield return name.StartsWith('-') ? family + name : name;
        }
    }
}
