namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>
/// TorchSharp makes a finalizable object of every number, and the garbage collector may free it while libtorch reads it: the operation
/// fails, or computes with another number. So every number is held by somebody.
/// </summary>
public class KeptNumbersTests
{
    // Types whose operations run while collection is held off.
    private static readonly string[] Paused =
    [
        "AttentionMap", "ClassActivation", "ClassOverlay", "ColourScale", "NumberOverlay", "Overlay", "PositionMap", "RasterFile", "StatisticsSum",
    ];

    private const string Engine = "StreamingCnn.Tests";

    // Of the engine's tests, those in several threads and what others share.
    private static readonly string[] Busy =
        ["Compare", "ExactnessLaw", "FusionCase", "FusionStep", "KeptBuffers", "StepResults", "ThreadTests", "WholeCheck"];

    // First values of a module that are replaced by a file's at once.
    private static readonly string[] Replaced = ["nn.PReLU("];

    [Theory]
    [InlineData("StreamingCnn.dll")]
    [InlineData("StreamingCnn.Imaging.dll")]
    [InlineData("StreamingCnn.Onnx.dll")]
    [InlineData("StreamingCnn.Training.dll")]
    [InlineData("scnn.dll")]
    public void Every_number_that_libtorch_reads_is_held(string assembly) =>
        AssertHolds(Path.Combine(AppContext.BaseDirectory, assembly), type => !Paused.Contains(type));

    /// <summary>
    /// Tests write operations as users do, but not those that run in several threads at once or that are run for hundreds of thousands of
    /// random cases: sooner or later one of them would fail by chance.
    /// </summary>
    [Fact]
    public void So_is_every_number_of_tests_that_do_very_many_operations()
    {
        var folder = AppContext.BaseDirectory.Replace("StreamingCnn.Docs.Tests", Engine, StringComparison.Ordinal);
        var assembly = Path.Combine(folder, $"{Engine}.dll");
        Assert.SkipUnless(File.Exists(assembly), $"Build tests/{Engine} first.");
        AssertHolds(assembly, type => Busy.Contains(type) || type.StartsWith("Random", StringComparison.Ordinal));
    }

    private static void AssertHolds(string assembly, Func<string, bool> isAsked)
    {
        using var torch = new CompiledMethods(Path.Combine(AppContext.BaseDirectory, "TorchSharp.dll"));
        using var compiled = new CompiledMethods(assembly);
        var careless = Careless(torch);
        Assert.Contains("Tensor.op_Addition(Tensor, Tensor)", careless);

        var found = new List<string>();
        foreach (var (method, calls) in compiled.All.Where(each => isAsked(each.Method.Outermost)))
            found.AddRange(calls
                .Where(call => IsNumber(call.Name)
                    ? !call.IsStored
                    : careless.Contains(call.Name) && !Replaced.Any(call.Name.StartsWith))
                .Select(call => $"{method.Outermost}: {method.Name} calls {call.Name}"));
        Assert.True(found.Count == 0, string.Join("\n", found));
    }

    /// <summary>TorchSharp's methods that make a number themselves and let go of it in the call.</summary>
    private static HashSet<string> Careless(CompiledMethods torch)
    {
        var careless = torch.All.Where(method => method.Calls.Any(call => IsNumber(call.Name)))
            .Select(method => method.Method.Name)
            .ToHashSet();
        for (var before = 0; before < careless.Count;)
        {
            before = careless.Count;
            careless.UnionWith(
                torch.All.Where(method => method.Calls.Any(call => careless.Contains(call.Name))).Select(method => method.Method.Name));
        }

        // Of numbers alone scripts make such objects, and they are given tensors.
        careless.RemoveWhere(name => IsNumber(name) || name.Contains(".invoke(", StringComparison.Ordinal));
        return careless;
    }

    private static bool IsNumber(string method) =>
        method.StartsWith("Scalar.op_Implicit(", StringComparison.Ordinal)
            || method.StartsWith("ScalarExtensionMethods.", StringComparison.Ordinal);
}
