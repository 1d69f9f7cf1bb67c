using StreamingCnn.Training.Runs;

namespace StreamingCnn.Training.Tests.Runs;

/// <summary>Networks in packages that NuGet has fetched.</summary>
public sealed class CachedPackageTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_largest_network_of_the_newest_version_that_has_one_is_taken()
    {
        folder.Write("some.networks/1.9.0/a.onnx", "old");
        var wanted = folder.Write("some.networks/1.10.0/tools/deep/b.onnx", "the network");
        folder.Write("some.networks/1.10.0/tools/c.onnx", "scaling");
        folder.Write("some.networks/1.11.0/readme.txt", "no network");
        Assert.Equal(wanted, CachedPackage.Network("nuget:Some.Networks", Variable));
    }

    [Theory]
    [InlineData("nuget:")]
    [InlineData("nuget:../secrets")]
    [InlineData("nuget:..")]
    [InlineData("nuget:a/b")]
    public void Something_else_than_a_name_is_refused(string name) =>
        Assert.Contains(
            "names no package",
            Assert.Throws<ArgumentException>(() => CachedPackage.Network(name, Variable)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_package_that_is_not_there_is_said_to_be_fetched_once() =>
        Assert.Contains(
            $"in NuGet's folder '{folder.Path}'; fetch it once by: dotnet new classlib -o fetch && dotnet add fetch package Some.Networks.",
            Assert.Throws<ArgumentException>(() => CachedPackage.Network("nuget:Some.Networks", Variable)).Message,
            StringComparison.Ordinal);

    private string? Variable(string name) => name == "NUGET_PACKAGES" ? folder.Path : null;
}
