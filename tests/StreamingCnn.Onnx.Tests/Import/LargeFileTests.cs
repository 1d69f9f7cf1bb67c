using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests.Import;

/// <summary>
/// Whole published networks, of which files are too large for the repository: those in the folder that STREAMINGCNN_ONNX names.
/// Files/large.py makes some with PyTorch.
/// </summary>
public sealed class LargeFileTests
{
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
        using var network = OnnxNetwork.Load(path);
        random.manual_seed(4);
        var image = randn(1, 3, 128, 160);
        using (no_grad())
        {
            Assert.InRange(ReferenceRuntime.Difference(network.forward(image), ReferenceRuntime.Run(path, image)), 0, 1e-5);
            var other = randn(1, 3, 97, 131);
            Assert.InRange(ReferenceRuntime.Difference(network.forward(other), ReferenceRuntime.Run(path, other)), 0, 1e-5);
        }

        network.to(ScalarType.Float64);
        using var streaming = new StreamingModule(network, new StreamingOptions { Tile = (64, 96) });
        var (one, two) = (image.to(ScalarType.Float64).requires_grad_(), image.to(ScalarType.Float64).requires_grad_());
        var (whole, streamed) = (network.forward(one), streaming.forward(two));
        Assert.InRange(ReferenceRuntime.Difference(streamed.detach(), whole.detach()), 0, 1e-12);
        var weights = randn(whole.shape, ScalarType.Float64);
        (whole * weights).sum().backward();
        (streamed * weights).sum().backward();
        Assert.InRange(ReferenceRuntime.Difference(two.grad!, one.grad!), 0, 1e-12);
    }
}
