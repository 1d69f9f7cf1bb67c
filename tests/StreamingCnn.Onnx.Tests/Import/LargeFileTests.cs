using System.Diagnostics;
using StreamingCnn.Onnx.Format;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Import;

/// <summary>
/// Whole published networks, of which files are too large for the repository: those in the folder that STREAMINGCNN_ONNX names.
/// Files/large.py makes some with PyTorch.
/// </summary>
public sealed class LargeFileTests(ITestOutputHelper output)
{
    private static readonly string[] OfOtherSizes = ["Resize", "Upsample", "ConvTranspose"];

    public static TheoryData<string> Files =>
        Environment.GetEnvironmentVariable("STREAMINGCNN_ONNX") is { } folder && Directory.Exists(folder)
            ? [.. Directory.GetFiles(folder, "*.onnx").Order()]
            : [""];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_published_network_gives_what_ONNX_Runtime_gives_and_streams(string path)
    {
        if (path.Length == 0)
            Assert.Skip("STREAMINGCNN_ONNX names no folder with files of ONNX.");
        using var scope = NewDisposeScope();
        var watch = Stopwatch.StartNew();
        using var folder = new TemporaryFolder();
        var (network, file) = Loaded(path, folder.File("trunk.onnx"));
        using var owned = network;
        random.manual_seed(4);
        // What joins maps of different strides takes sides that these divide, and so do pads that are right for even sizes alone.
        var graph = ModelReader.Read(file).Graph;
        var isOfMaps = file != path || graph.Nodes.Any(node => OfOtherSizes.Contains(node.Operator));
        (long, long)[] sizes = graph.Inputs[0].Shape is [_, _, { } height, { } width]
            ? [(height, width)]
            : [(256, 288), isOfMaps ? (320, 224) : (233, 259)];
        var (parity, ofTheirs, ofOurs) = (0.0, 0.0, 0.0);
        foreach (var (rows, columns) in sizes)
        {
            using var inner = NewDisposeScope();
            using var grad = no_grad();
            var (image, theirs) = Images(rows, columns).Select(one => (Image: one, Output: ReferenceRuntime.Run(file, one)))
                .MaxBy(pair => pair.Output.abs().max().item<float>());
            var ours = network.forward(image);
            parity = Math.Max(parity, ReferenceRuntime.Difference(ours, theirs));
            network.to(ScalarType.Float64);
            var exact = network.forward(image.to(ScalarType.Float64));
            network.to(ScalarType.Float32);
            ofTheirs = Math.Max(ofTheirs, ReferenceRuntime.Difference(theirs.to(ScalarType.Float64), exact));
            ofOurs = Math.Max(ofOurs, ReferenceRuntime.Difference(ours.to(ScalarType.Float64), exact));
        }

        output.WriteLine(FormattableString.Invariant(
            $"{Path.GetFileName(path)}: {parity:0.0e0} apart; from float64 theirs {ofTheirs:0.0e0}, ours {ofOurs:0.0e0}"));
        // Where both round more than that, ours is to be no worse than theirs.
        Assert.InRange(Math.Min(parity, ofOurs), 0, 1e-5);
        Assert.True(parity <= 1e-5 || ofOurs <= ofTheirs, $"{parity} apart, and ours is farther from float64");
        var (forward, gradients, worst) = Streamed(network.to(ScalarType.Float64), sizes is [var (own, _)] ? own : isOfMaps ? 128 : 131);
        var name = Path.GetFileNameWithoutExtension(path);
        output.WriteLine(FormattableString.Invariant(
            $"| {name} | {parity:0.0e0} | {forward:0.0e0} | {gradients:0.0e0} ({worst}) | {watch.Elapsed.TotalSeconds:0} |"));
        Assert.InRange(forward, 0, 1e-12);
        Assert.InRange(gradients, 0, 1e-12);
    }

    /// <summary>
    /// Noise and blocks, of which that is taken whose output is largest: a detector finds next to nothing in most, and a difference
    /// relative to that says nothing.
    /// </summary>
    private static IEnumerable<Tensor> Images(long rows, long columns)
    {
        yield return randn(1, 3, rows, columns);
        foreach (var side in (long[])[4, 16, 32])
        {
            yield return randn(1, 3, (rows / side) + 1, (columns / side) + 1).repeat_interleave(side, 2).repeat_interleave(side, 3)
                .narrow(2, 0, rows).narrow(3, 0, columns).contiguous();
        }
    }

    /// <summary>
    /// The network, and the file to compare it with. Of one whose classifier binds the size of its image it is the trunk, and the file's
    /// nodes up to there.
    /// </summary>
    private static (Module<Tensor, Tensor> Network, string File) Loaded(string path, string cut)
    {
        try
        {
            return (OnnxNetwork.Load(path), path);
        }
        catch (UnsupportedOnnxException)
        {
            var trunk = OnnxNetwork.LoadTrunk(path);
            trunk.Save(cut);
            return (trunk, cut);
        }
    }

    private static (double Output, double Gradients, string Worst) Streamed(Module<Tensor, Tensor> network, long side)
    {
        using var streaming = new StreamingModule(network, new StreamingOptions { Tile = (64, 96) });
        var image = randn([1, 3, side, side + 32], ScalarType.Float64, requires_grad: true);
        var whole = network.forward(image);
        var weights = randn(whole.shape, ScalarType.Float64);
        (whole * weights).sum().backward();
        var expected = ParityTests.Gradients(network, image);
        var streamed = streaming.forward(image);
        (streamed * weights).sum().backward();
        var differences = ParityTests.Gradients(network, image)
            .Select(entry => (entry.Key, Value: ReferenceRuntime.Difference(entry.Value, expected[entry.Key]))).ToArray();
        var worst = differences.MaxBy(entry => entry.Value);
        return (ReferenceRuntime.Difference(streamed.detach(), whole.detach()), worst.Value, worst.Key);
    }
}
