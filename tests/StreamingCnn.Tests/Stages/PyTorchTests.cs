using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Stages;

/// <summary>
/// What PyTorch made of whole images is reproduced at every tile size: outputs, gradients, running statistics of two steps.
/// </summary>
public sealed class PyTorchTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Stages", "PyTorch");

    /// <summary>The names of the cases; the files beside make.py.</summary>
    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Folder, "*.json").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_case_is_reproduced_at_every_tile_size(string name)
    {
        var reference = new ReferenceCase(Path.Combine(Folder, name + ".json"));
        foreach (var tile in new[] { (100, 100), (4, 5), (3, 2), (1, 1) })
        {
            using var scope = NewDisposeScope();
            var network = PyTorchNetwork.Of(reference);
            using var streaming = new StreamingModule(network, new() { Tile = tile });
            var image = reference.Read("image").requires_grad_();

            var output = streaming.forward(image);
            output.backward([reference.Read("grad_output")]);
            using (no_grad())
                streaming.forward((image * 0.5) + 1);

            Check("output", output.detach());
            Check("grad.image", image.grad!);
            foreach (var (key, parameter) in network.named_parameters())
                Check($"grad.{key}", parameter.grad!);
            foreach (var (key, buffer) in network.named_buffers())
                Check($"after.{key}", buffer.to(ScalarType.Float64));

            void Check(string key, Tensor actual)
            {
                var expected = reference.Read(key);
                Assert.Equal(expected.shape, actual.shape);
                // A bias before a norm has no gradient but rounding.
                var error = Compare.RelativeError(actual, expected, 0.1);
                Assert.True(error < 1e-12, $"tile {tile}: {key} differs by {error:e2}.");
            }
        }
    }
}
