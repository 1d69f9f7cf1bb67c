using System.Text.Json.Nodes;

namespace StreamingCnn.Docs.Tests;

public class NoticeTests
{
    // Left out of the program's package.
    private static readonly string[] NotCarried = ["libtorch-cpu-linux-x64", "TorchSharp-cpu"];

    [Fact]
    public void Every_package_that_the_program_carries_is_named_with_its_licence()
    {
        var assets = Repository.PathOf("src/StreamingCnn.Cli/obj/project.assets.json");
        var notices = File.ReadAllText(Repository.PathOf("THIRD-PARTY-NOTICES.md"));
        var carried =
            from target in JsonNode.Parse(File.ReadAllText(assets))!["targets"]!.AsObject()
            from library in target.Value!.AsObject()
            where (string?)library.Value!["type"] == "package"
            let files = new[] { "runtime", "native", "runtimeTargets" }.SelectMany(
                kind => library.Value[kind]?.AsObject().Select(file => file.Key) ?? [])
            where files.Any(file => !file.EndsWith("_._", StringComparison.Ordinal))
            select library.Key.Split('/')[0];

        Assert.Contains("TorchSharp", carried);
        Assert.DoesNotContain(carried.Distinct().Except(NotCarried), package => !notices.Contains(package, StringComparison.Ordinal));
    }

    /// <summary>The viewer of the page stands in no list of packages.</summary>
    [Fact]
    public void The_viewer_is_named_with_the_version_that_is_carried()
    {
        var viewer = File.ReadLines(Repository.PathOf("src/StreamingCnn.Cli/Viewing/Page/openseadragon.min.js")).First();
        var notice = File.ReadLines(Repository.PathOf("THIRD-PARTY-NOTICES.md")).Single(line => line.Contains("[OpenSeadragon]", StringComparison.Ordinal));

        Assert.StartsWith("//! openseadragon ", viewer, StringComparison.Ordinal);
        Assert.Contains($"{viewer.Split(' ')[^1]},", notice, StringComparison.Ordinal);
        Assert.Contains(
            $"{viewer.Split(' ')[^1]}.", File.ReadAllText(Repository.PathOf("docs/viewing.md")), StringComparison.Ordinal);
        Assert.True(File.Exists(Repository.PathOf("licences/OpenSeadragon.txt")));
    }
}
