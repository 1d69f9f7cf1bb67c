using System.Xml.Linq;

namespace StreamingCnn.Docs.Tests.Clusters;

/// <summary>The container file finds what it copies, builds what there is, and does not run as root.</summary>
public class ContainerTests
{
    private const string Name = "Containerfile";
    private const string Program = "src/StreamingCnn.Cli";

    private static string[] Lines =>
        [.. File.ReadLines(Repository.PathOf(Name)).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')];

    [Fact]
    public void All_that_is_copied_is_there()
    {
        var missing = Copied().Where(path => !Path.Exists(Repository.PathOf(path)));

        Assert.Empty(missing);
    }

    /// <summary>The program's project, all that it is built of, and what MSBuild looks for above it.</summary>
    [Fact]
    public void All_that_the_program_is_built_of_is_copied()
    {
        Assert.Contains(Lines, line => line.StartsWith($"RUN dotnet publish {Program} ", StringComparison.Ordinal));
        var copied = Copied().ToArray();
        string[] needed =
        [
            .. Projects(Program), .. Directory.GetFiles(Repository.Folder, "Directory.*").Select(Relative),
            .. XDocument.Load(Project(Program)).Descendants("None").Select(file => (string)file.Attribute("Include")!)
                .Select(path => Relative(Path.GetFullPath(Path.Combine(Repository.PathOf(Program), path.Split('*')[0])))),
        ];

        Assert.All(needed, path => Assert.Contains(copied, one => $"{path}/".StartsWith($"{one}/", StringComparison.Ordinal)));
        Assert.True(needed.Length > 8);
    }

    [Fact]
    public void It_has_two_stages_and_ends_without_being_root()
    {
        Assert.Equal(2, Lines.Count(line => line.StartsWith("FROM ", StringComparison.Ordinal)));
        var user = Lines.Last(line => line.StartsWith("USER ", StringComparison.Ordinal));
        Assert.NotEqual("USER root", user);
        // Whatever comes behind it is run by that user.
        Assert.DoesNotContain(Lines.SkipWhile(line => line != user), line => line.StartsWith("RUN ", StringComparison.Ordinal));
    }

    /// <summary>The SDK that builds, and the libraries that a program of that version needs.</summary>
    [Fact]
    public void It_begins_with_images_of_the_version_of_NET_that_projects_are_for()
    {
        var framework = XDocument.Load(Repository.PathOf("Directory.Build.props")).Descendants("TargetFramework").Single().Value;
        var images = Lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]);

        Assert.All(images, image => Assert.Equal(framework, $"net{image.Split(':')[1]}"));
    }

    /// <summary>Nothing may be left out that is not told, and nothing is told that may not.</summary>
    [Fact]
    public void What_may_be_left_out_is_what_the_page_says()
    {
        const string Option = "--build-arg ";
        var arguments = Lines.Where(line => line.StartsWith("ARG ", StringComparison.Ordinal)).Select(line => line["ARG ".Length..]);
        var told = File.ReadAllText(Repository.PathOf("docs/clusters.md")).Split(Option)[1..].Select(text => text.Split('`')[0]);

        Assert.Equal(arguments.Select(argument => argument.Replace("=true", "=false", StringComparison.Ordinal)).Order(), told.Order());
    }

    [Fact]
    public void What_was_built_on_the_host_stays_there()
    {
        var ignored = File.ReadAllLines(Repository.PathOf(".dockerignore"));

        Assert.Contains("**/bin", ignored);
        Assert.Contains("**/obj", ignored);
    }

    /// <summary>What the first stage takes from the checkout.</summary>
    private static IEnumerable<string> Copied() => Lines
        .Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal))
        .SelectMany(line => line.Split(' ')[1..^1]);

    /// <summary>A project and those that it refers to.</summary>
    private static IEnumerable<string> Projects(string project) =>
    [
        project,
        .. XDocument.Load(Project(project)).Descendants("ProjectReference")
            .Select(reference => Path.GetDirectoryName((string)reference.Attribute("Include")!)!)
            .SelectMany(path => Projects(Relative(Path.GetFullPath(Path.Combine(Repository.PathOf(project), path))))),
    ];

    private static string Project(string folder) => Directory.GetFiles(Repository.PathOf(folder), "*.csproj").Single();

    private static string Relative(string path) => Path.GetRelativePath(Repository.Folder, path).Replace('\\', '/');
}
