using System.Xml.Linq;

namespace StreamingCnn.Tests.Architecture;

/// <summary>Nobody who wants the engine has to take an image or plotting library with it: what each project may refer to.</summary>
public class ProjectTests
{
    public static TheoryData<string, string[], string[]> Projects => new()
    {
        { "StreamingCnn", [], ["TorchSharp"] },
        { "StreamingCnn.Imaging", ["StreamingCnn"], ["NetVips", "NetVips.Native", "NetVips.Native.linux-x64", "CsvHelper"] },
        { "StreamingCnn.Training", ["StreamingCnn", "StreamingCnn.Imaging"], ["CsvHelper", "ScottPlot", "SkiaSharp", "SkiaSharp.HarfBuzz", "SkiaSharp.NativeAssets.Linux.NoDependencies", "HarfBuzzSharp.NativeAssets.Linux"] },
        { "StreamingCnn.Cli", ["StreamingCnn", "StreamingCnn.Imaging", "StreamingCnn.Training"], ["Spectre.Console", "System.CommandLine"] },
    };

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_those_below_it(string project, string[] projects, string[] packages)
    {
        var file = XDocument.Load(Path.Combine(Sources(), project, $"{project}.csproj"));

        Assert.Empty(References("ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))).Except(projects));
        Assert.Empty(References("PackageReference").Except(packages));

        IEnumerable<string> References(string kind) => file.Descendants(kind).Select(reference => reference.Attribute("Include")?.Value ?? "");
    }

    [Fact]
    public void Every_project_is_listed() => Assert.Equal(
        Projects.Select(project => project.Data.Item1).Order(StringComparer.Ordinal),
        Directory.GetDirectories(Sources()).Where(folder => Directory.GetFiles(folder, "*.csproj").Length > 0).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal));

    private static string Sources()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "StreamingCnn.slnx")))
            folder = folder.Parent;
        Assert.SkipWhen(folder is null, "The tests do not run within a checkout of the repository.");
        return Path.Combine(folder!.FullName, "src");
    }
}
