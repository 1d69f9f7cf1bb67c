namespace StreamingCnn.Docs.Tests;

/// <summary>Files of the repository that are made by code and kept, so that they can be read without it.</summary>
internal static class GeneratedFile
{
    private const string UpdateVariable = "UPDATE_DOCS";

    /// <summary>Asserts that a file is what the code makes; with <c>UPDATE_DOCS=1</c> writes it instead.</summary>
    public static void Is(string name, string content)
    {
        var path = Repository.PathOf(name);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
            File.WriteAllText(path, content);
        Assert.True(
            File.Exists(path) && File.ReadAllText(path).ReplaceLineEndings("\n") == content,
            $"{name} is not what the code makes of it; run: {UpdateVariable}=1 dotnet test tests/StreamingCnn.Docs.Tests");
    }
}
