using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models;

/// <summary>Networks of attention between neighbours: their published parameters, and streamed against whole at odd sizes.</summary>
public class TransformerTests
{
    // Published counts of torchvision, and of the paper's repository, less the classifier.
    [Theory]
    [InlineData("swin-tiny", 28_288_354 - ((768 * 1000) + 1000), 768)]
    [InlineData("swin-small", 49_606_258 - ((768 * 1000) + 1000), 768)]
    public void They_have_the_published_number_of_parameters(string name, long count, long channels)
    {
        using var trunk = ModelCatalog.Create(name);
        Assert.Equal(count, trunk.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(channels, ModelCatalog.OutputChannels(trunk));
        Assert.All(trunk.parameters(), parameter => Assert.InRange(parameter.abs().max().item<float>(), 0, 1));
    }

    [Fact]
    public void Parameters_of_the_neighbourhood_attention_transformer_have_the_original_s_names_and_shapes()
    {
        using var network = new NetworkClassifier(new NatTrunk(NatSize.Mini), 1000);
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add("patch_embed.proj.0", 32, 3, 3, 3);
        Add("patch_embed.proj.1", 64, 32, 3, 3);
        Add("patch_embed.norm", 64);
        int[] depths = [3, 4, 6, 5];
        for (var level = 0; level < 4; level++)
        {
            long width = 64 << level, heads = 2 << level;
            for (var i = 0; i < depths[level]; i++)
            {
                var block = $"levels.{level}.blocks.{i}";
                Add($"{block}.norm1", width);
                expected.Add($"{block}.attn.rpb", $"{heads}x13x13");
                Add($"{block}.attn.qkv", 3 * width, width);
                Add($"{block}.attn.proj", width, width);
                Add($"{block}.norm2", width);
                Add($"{block}.mlp.fc1", 3 * width, width);
                Add($"{block}.mlp.fc2", width, 3 * width);
            }

            if (level == 3)
                continue;
            expected.Add($"levels.{level}.downsample.reduction.weight", $"{2 * width}x{width}x3x3");
            Add($"levels.{level}.downsample.norm", 2 * width);
        }

        Add("norm", 512);
        Add("head", 1000, 512);

        var found = network.state_dict().ToDictionary(entry => entry.Key, entry => string.Join('x', entry.Value.shape));
        Assert.Equal(expected, new SortedDictionary<string, string>(found, StringComparer.Ordinal));

        void Add(string layer, params long[] weight)
        {
            expected.Add($"{layer}.weight", string.Join('x', weight));
            expected.Add($"{layer}.bias", $"{weight[0]}");
        }
    }

    [Theory]
    [InlineData(131, 197, 96, 128)]
    [InlineData(260, 75, 64, 64)]
    // One window covers the last maps, and of the last but one a part.
    [InlineData(64, 90, 32, 32)]
    public void A_narrow_swin_transformer_streams_as_it_runs(int height, int width, int tileHeight, int tileWidth) =>
        AssertExact(new NarrowSwin(), (height, width), (tileHeight, tileWidth));

    [Theory]
    [InlineData(131, 197, 96, 128)]
    [InlineData(260, 75, 64, 64)]
    [InlineData(49, 90, 32, 32)]
    public void A_narrow_neighbourhood_attention_transformer_streams_as_it_runs(int height, int width, int tileHeight, int tileWidth) =>
        AssertExact(new NarrowNat(), (height, width), (tileHeight, tileWidth));

    [Theory]
    [InlineData("swin-tiny")]
    [InlineData("nat-mini")]
    public void The_published_network_streams_as_it_runs(string name) =>
        AssertExact((StreamingBlock)ModelCatalog.Create(name), (75, 107), (64, 64));

    private static void AssertExact(StreamingBlock trunk, (int Height, int Width) size, (int Height, int Width) tile)
    {
        manual_seed(5);
        using var scope = NewDisposeScope();
        using var owned = trunk;
        trunk.to(ScalarType.Float64);
        // Random depth would need the same draws in both runs; it is tested where random layers are.
        trunk.eval();
        using (no_grad())
        {
            foreach (var (name, parameter) in trunk.named_parameters())
            {
                if (parameter.dim() == 1)
                    parameter.add_(randn_like(parameter) * 0.1);
                else if (name.EndsWith("table", StringComparison.Ordinal) || name.EndsWith("rpb", StringComparison.Ordinal))
                    parameter.normal_();
                else
                    parameter.mul_(3);
            }
        }

        var image = randn(1, 3, size.Height, size.Width, dtype: ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = tile });
        WholeCheck.EqualsWhole(streaming, image, parameterBound: 1e-11);
        Assert.Equal(1, streaming.Plan(size.Height, size.Width).ComputedOnceRatio);
    }

    /// <summary>Three stages of two blocks, the second of which is shifted.</summary>
    private sealed class NarrowSwin : StreamingBlock
    {
        private readonly Sequential features = Sequential(
            Conv2d(3, 4, 4, stride: 4),
            new ChannelLayerNorm(4),
            new SwinBlock(4, 1, 7, 0, 0),
            new SwinBlock(4, 1, 7, 3, 0),
            new PatchMerging(4),
            new SwinBlock(8, 2, 7, 0, 0),
            new SwinBlock(8, 2, 7, 3, 0),
            new PatchMerging(8),
            new SwinBlock(16, 4, 7, 3, 0));

        public NarrowSwin()
            : base(nameof(NarrowSwin)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(features);
    }

    /// <summary>Three levels, the last of whose maps may be smaller than a neighbourhood.</summary>
    private sealed class NarrowNat : StreamingBlock
    {
        private readonly Sequential features = Sequential(
            Conv2d(3, 4, 3, stride: 2, padding: 1),
            Conv2d(4, 4, 3, stride: 2, padding: 1),
            new NatBlock(4, 1, 7, 2, 0),
            new NatBlock(4, 2, 5, 2, 0),
            Conv2d(4, 8, 3, stride: 2, padding: 1),
            new NatBlock(8, 2, 7, 2, 0),
            Conv2d(8, 8, 3, stride: 2, padding: 1),
            new NatBlock(8, 4, 7, 2, 0));

        public NarrowNat()
            : base(nameof(NarrowNat)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(features);
    }
}
