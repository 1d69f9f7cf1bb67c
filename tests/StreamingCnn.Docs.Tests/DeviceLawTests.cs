using System.Text.RegularExpressions;

namespace StreamingCnn.Docs.Tests;

/// <summary>
/// Every tensor that the engine or training makes says where it is made. What is left to the default is the host's, and is met by a tensor
/// of the device that computes only where there is one.
/// </summary>
public sealed partial class DeviceLawTests
{
    // The engine's rooms, and training but for its pictures, which are drawn on the host.
    private static readonly string[] Rooms =
    [
        "src/StreamingCnn/Execution", "src/StreamingCnn/Reductions", "src/StreamingCnn/Graph", "src/StreamingCnn/Interop",
        "src/StreamingCnn/Planning", "src/StreamingCnn.Training",
    ];

    private static readonly string[] Pictures = ["Saliency", "Reports", "Maps", "ComparisonPicture.cs"];

    // The heap's own function of that name.
    private const string NoFactory = "HeapSpace.cs";

    [Fact]
    public void Every_tensor_is_made_on_a_device_that_is_named()
    {
        var seen = 0;
        var unnamed = new List<string>();
        foreach (var file in Rooms.SelectMany(Repository.Sources).Where(file => !IsDrawn(file) && Path.GetFileName(file) != NoFactory))
        {
            var code = Comment().Replace(File.ReadAllText(file), "");
            foreach (Match factory in Factory().Matches(code))
            {
                seen++;
                var call = code[factory.Index..End(code, factory.Index + factory.Length)];
                if (!Place().IsMatch(call))
                    unnamed.Add($"{Path.GetRelativePath(Repository.Folder, file)}: {call.ReplaceLineEndings(" ")}");
            }
        }

        Assert.Empty(unnamed);
        Assert.True(seen > 40, "Hardly any tensor is made: has the code been looked through?");
    }

    private static bool IsDrawn(string file) =>
        Path.GetRelativePath(Repository.PathOf("src/StreamingCnn.Training"), file).Split(Path.DirectorySeparatorChar)
            is [var first, ..] && Pictures.Contains(first);

    /// <summary>The end of a call, from behind its opening bracket on.</summary>
    private static int End(string code, int at)
    {
        for (var depth = 1; depth > 0; at++)
            depth += code[at] is '(' or '[' or '{' ? 1 : code[at] is ')' or ']' or '}' ? -1 : 0;
        return at;
    }

    // TorchSharp's functions that make a tensor of no other; what is made "like" another is where that is.
    [GeneratedRegex(@"(?<![\w.])(zeros|empty|ones|tensor|randn|rand|arange|full|randint|randperm|eye|linspace|empty_strided|from_array)\(")]
    private static partial Regex Factory();

    [GeneratedRegex(@"\b[dD]evice\b|\bCPU\b|\bMETA\b")]
    private static partial Regex Place();

    // To the end of the line, and scripts in another language.
    [GeneratedRegex("//[^\n]*|\"\"\".*?\"\"\"", RegexOptions.Singleline)]
    private static partial Regex Comment();
}
