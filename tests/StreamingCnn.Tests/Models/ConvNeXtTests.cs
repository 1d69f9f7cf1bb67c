using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Models;

public class ConvNeXtTests
{
    // Torchvision's published counts, less the classifier: a layer norm of 768 channels and a linear layer to 1000 classes.
    private const long Classifier = (2 * 768) + (768 * 1000) + 1000;

    [Theory]
    [InlineData(ConvNeXtSize.Tiny, 28_589_128 - Classifier)]
    [InlineData(ConvNeXtSize.Small, 50_223_688 - Classifier)]
    public void It_has_torchvisions_parameters(ConvNeXtSize size, long count)
    {
        using var trunk = new ConvNeXtTrunk(size);
        Assert.Equal(count, trunk.parameters().Sum(p => p.numel()));
        Assert.All(trunk.parameters(), p => Assert.InRange(p.abs().max().item<float>(), 0, 1));
    }

    [Fact]
    public void Parameters_have_torchvisions_names_and_shapes()
    {
        using var trunk = new ConvNeXtTrunk(ConvNeXtSize.Tiny);
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add("features.0.0", [96, 3, 4, 4]);
        Add("features.0.1", [96]);
        long[] widths = [96, 192, 384, 768];
        int[] counts = [3, 3, 9, 3];
        for (var stage = 0; stage < 4; stage++)
        {
            var width = widths[stage];
            if (stage > 0)
            {
                Add($"features.{2 * stage}.0", [widths[stage - 1]]);
                Add($"features.{2 * stage}.1", [width, widths[stage - 1], 2, 2]);
            }

            for (var i = 0; i < counts[stage]; i++)
            {
                var block = $"features.{(2 * stage) + 1}.{i}";
                expected.Add($"{block}.layer_scale", $"{width}x1x1");
                Add($"{block}.block.0", [width, 1, 7, 7]);
                Add($"{block}.block.2", [width]);
                Add($"{block}.block.3", [4 * width, width]);
                Add($"{block}.block.5", [width, 4 * width]);
            }
        }

        Assert.Equal(
            expected, new SortedDictionary<string, string>(
                trunk.state_dict().ToDictionary(entry => entry.Key, entry => string.Join('x', entry.Value.shape)), StringComparer.Ordinal));

        void Add(string layer, long[] weight)
        {
            expected.Add($"{layer}.weight", string.Join('x', weight));
            expected.Add($"{layer}.bias", $"{weight[0]}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocks_stream_as_they_run_in_small_tiles(bool isTraining)
    {
        // In training, random depth would need the same draws in both runs; it is tested where random layers are.
        using var trunk = new Miniature();
        trunk.train(isTraining);
        AssertExact(trunk, (61, 94), (24, 40));
    }

    [Fact]
    public void The_tiny_network_streams_as_it_runs()
    {
        using var trunk = new ConvNeXtTrunk(ConvNeXtSize.Tiny, stochasticDepth: 0);
        AssertExact(trunk, (131, 197), (96, 128));
    }

    private static void AssertExact(StreamingBlock trunk, (int Height, int Width) size, (int Height, int Width) tile)
    {
        manual_seed(5);
        using var scope = NewDisposeScope();
        trunk.to(ScalarType.Float64);
        using (no_grad())
        {
            // As they are at first, the factors would hide what the blocks do.
            foreach (var (name, parameter) in trunk.named_parameters())
            {
                if (name.EndsWith("layer_scale", StringComparison.Ordinal))
                    parameter.uniform_(0.5, 1.5);
                else if (parameter.dim() == 1)
                    parameter.add_(randn_like(parameter) * 0.1);
            }
        }

        var image = randn(1, 3, size.Height, size.Width, dtype: ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = tile });
        WholeCheck.EqualsWhole(streaming, image, parameterBound: 1e-11);
    }

    /// <summary>Two stages of one narrow block each.</summary>
    private sealed class Miniature : StreamingBlock
    {
        private readonly Sequential features = nn.Sequential(
            nn.Conv2d(3, 6, 4, stride: 4),
            new ChannelLayerNorm(6),
            new ConvNeXtBlock(6, 0),
            new ChannelLayerNorm(6),
            nn.Conv2d(6, 10, 2, stride: 2),
            new ConvNeXtBlock(10, 0));

        public Miniature()
            : base(nameof(Miniature)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(features);
    }
}
