using System.Reflection;

namespace StreamingCnn.Docs.Tests.PublicApi;

/// <summary>
/// What each package offers stands in a text file, so that a change of it is seen by whoever makes it and whoever reads it: nothing becomes
/// public, or goes, by accident.
/// </summary>
public sealed class PublicApiTests
{
    private const string UpdateVariable = "UPDATE_API";
    private const string Folder = "tests/StreamingCnn.Docs.Tests/PublicApi";
    private const int MostLines = 60;

    [Theory]
    [InlineData("StreamingCnn")]
    [InlineData("StreamingCnn.Imaging")]
    [InlineData("StreamingCnn.Onnx")]
    [InlineData("StreamingCnn.Training")]
    public void The_surface_of_a_package_is_the_one_that_is_written_down(string package)
    {
        var name = $"{Folder}/{package}.txt";
        var path = Repository.PathOf(name);
        string[] now = [.. ApiText.Of(Assembly.Load(package))];
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
            File.WriteAllText(path, string.Concat(now.Select(line => line + "\n")));
        string[] written = File.Exists(path) ? File.ReadAllLines(path) : [];
        var differences = Differences(written, now);

        Assert.True(
            differences.Count == 0,
            $"The public surface of {package} is not that of {name}:\n{string.Join('\n', differences.Take(MostLines))}\n"
            + (differences.Count > MostLines ? $"and {differences.Count - MostLines} more\n" : "")
            + $"If that is meant, say so in CHANGELOG.md and run: {UpdateVariable}=1 dotnet test tests/StreamingCnn.Docs.Tests");
    }

    [Fact]
    public void A_difference_is_told_by_its_type_and_line()
    {
        string[] before = ["class A", "  int One()", "  int Two()", "class B", "  int One()"];
        string[] after = ["class A", "  int One()", "  long Two()", "class C", "  int One()"];
        Assert.Equal(
            ["- class A:   int Two()", "- class B", "- class B:   int One()", "+ class A:   long Two()", "+ class C", "+ class C:   int One()"],
            Differences(before, after));
        Assert.Empty(Differences(after, after));
    }

    /// <summary>Lines that went and lines that came, each with its type.</summary>
    private static List<string> Differences(string[] before, string[] after)
    {
        var (old, now) = (Named(before), Named(after));
        return [.. old.Except(now).Select(line => $"- {line}"), .. now.Except(old).Select(line => $"+ {line}")];
    }

    private static string[] Named(string[] lines)
    {
        var type = "";
        return [.. lines.Select(line => line.StartsWith(' ') ? $"{type}: {line}" : type = line)];
    }
}
