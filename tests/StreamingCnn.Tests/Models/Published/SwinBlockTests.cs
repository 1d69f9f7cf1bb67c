using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models.Published;

/// <summary>What torchvision's blocks of the Swin Transformer made of maps of odd sizes is reproduced, streamed and whole.</summary>
public sealed class SwinBlockTests
{
    [Theory]
    [InlineData("odd")]
    [InlineData("low")]
    public void Shifted_windows_on_odd_sizes_are_torchvisions(string name)
    {
        var reference = new ReferenceCase(Path.Combine(AppContext.BaseDirectory, "Models", "Published", "swin.json"));
        foreach (var tile in new[] { (100, 100), (5, 4), (2, 3), (1, 1) })
        {
            using var scope = NewDisposeScope();
            using var network = Sequential(
                new SwinBlock(4, 2, 4, 0, 0), new SwinBlock(4, 2, 4, 2, 0), new PatchMerging(4), new SwinBlock(8, 2, 4, 1, 0));
            network.to(ScalarType.Float64);
            network.eval();
            using (no_grad())
            {
                foreach (var (key, parameter) in network.named_parameters())
                    parameter.copy_(reference.Read($"state.{key}"));
            }

            using var streaming = new StreamingModule(network, new() { Tile = tile });
            var image = reference.Read($"{name}.image").requires_grad_();

            var output = streaming.forward(image);
            output.backward([reference.Read($"{name}.grad_output")]);

            Check("output", output.detach());
            Check("grad.image", image.grad!);
            Assert.Equal(
                reference.Names.Where(key => key.StartsWith("state.", StringComparison.Ordinal)).Select(key => key[6..]).Order(),
                network.named_parameters().Select(named => named.name).Order());
            foreach (var (key, parameter) in network.named_parameters())
                Check($"grad.{key}", parameter.grad!);

            void Check(string key, Tensor actual)
            {
                var expected = reference.Read($"{name}.{key}");
                Assert.Equal(expected.shape, actual.shape);
                var error = Compare.RelativeError(actual, expected, 0.1);
                Assert.True(error < 1e-12, $"tile {tile}: {key} differs by {error:e2}.");
            }
        }
    }
}
