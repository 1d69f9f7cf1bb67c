using System.Xml.Linq;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>Nobody who wants the engine has to take an image or plotting library with it: what each project may refer to.</summary>
public class ProjectTests
{
    public static TheoryData<string> Projects => [.. Project.All.Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_those_below_it(string name)
    {
        var project = Project.All.Single(project => project.Name == name);
        var file = XDocument.Load(Path.Combine(Repository.PathOf("src"), name, $"{name}.csproj"));

        Assert.Empty(
            References("ProjectReference")
                .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))
                .Except(project.Projects));
        Assert.Empty(References("PackageReference").Concat(References("FrameworkReference")).Except(project.Packages));

        IEnumerable<string> References(string kind) =>
            file.Descendants(kind).Select(reference => reference.Attribute("Include")?.Value ?? "");
    }

    [Fact]
    public void Every_project_is_listed() => Assert.Equal(
        Project.All.Select(project => project.Name).Order(StringComparer.Ordinal),
        Directory.GetDirectories(Repository.PathOf("src"))
            .Where(folder => Directory.GetFiles(folder, "*.csproj").Length > 0)
            .Select(folder => Path.GetFileName(folder)!)
            .Order(StringComparer.Ordinal));

    /// <summary>A public member without a word on it stops the build of whoever others build on.</summary>
    [Theory]
    [InlineData("StreamingCnn")]
    [InlineData("StreamingCnn.Imaging")]
    [InlineData("StreamingCnn.Training")]
    public void The_public_surface_is_documented(string name)
    {
        var file = XDocument.Load(Path.Combine(Repository.PathOf("src"), name, $"{name}.csproj"));

        Assert.Equal("true", file.Descendants("GenerateDocumentationFile").Single().Value);
        Assert.DoesNotContain("1591", file.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "1591", File.ReadAllText(Repository.PathOf("Directory.Build.props"))
                + File.ReadAllText(Repository.PathOf(".editorconfig")), StringComparison.Ordinal);
        Assert.Contains(
            "<TreatWarningsAsErrors>true</TreatWarningsAsErrors>",
            File.ReadAllText(Repository.PathOf("Directory.Build.props")),
            StringComparison.Ordinal);
    }
}
