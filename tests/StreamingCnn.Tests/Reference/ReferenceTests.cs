using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reference;

/// <summary>Outputs and gradients that PyTorch made of whole images are reproduced at every tile size.</summary>
public class ReferenceTests
{
    private static readonly (int Height, int Width)[] Tiles = [(100_000, 100_000), (64, 64), (37, 53), (16, 128), (9, 11)];

    [Theory]
    [InlineData(StreamingMode.ExactlyOnce)]
    [InlineData(StreamingMode.Overlap)]
    public void Every_reference_case_is_reproduced_at_every_tile_size(StreamingMode mode)
    {
        var worst = 0.0;
        string[] cases = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Reference", "PyTorch"), "*.json").Order()];
        Assert.Equal(7, cases.Length);
        foreach (var path in cases)
        {
            var reference = new ReferenceCase(path);
            foreach (var tile in Tiles)
            {
                using var scope = NewDisposeScope();
                using var network = new ReferenceNetwork(reference);
                using var streaming = new StreamingModule(network, new() { Tile = tile, Mode = mode });
                var image = reference.Read("image").requires_grad_(true);

                var output = streaming.forward(image);
                output.backward([reference.Read("grad_output")]);

                Check("output", output.detach(), reference.Read("output"));
                Check("grad.image", image.grad!, reference.Read("grad.image"));
                foreach (var (name, parameter) in network.named_parameters())
                    Check($"grad.{name}", parameter.grad!, reference.Read($"grad.{name}"));

                void Check(string name, Tensor actual, Tensor expected)
                {
                    var error = Compare.RelativeError(actual, expected);
                    worst = Math.Max(worst, error);
                    Assert.True(
                        error < 1e-12, $"{Path.GetFileNameWithoutExtension(path)}, tile {tile}, {mode}: {name} differs by {error:e2}.");
                }
            }
        }

        TestContext.Current.SendDiagnosticMessage($"Reference cases, {mode}: worst relative error {worst:e2}.");
    }
}
