using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Modules that the engine cannot see into, and what changes while they are used: weights, modes, buffers, the image.</summary>
public class OpaqueStateTests
{
    private static readonly StreamingOptions Overlap = new() { Tile = (64, 64), Mode = StreamingMode.Overlap };

    [Fact]
    public void Geometry_that_hangs_on_a_parameter_is_found_again_when_it_changes()
    {
        using var scope = NewDisposeScope();
        var module = new Reaching();
        using var streaming = new StreamingModule(module, Overlap);
        foreach (var reach in new[] { 1, 6, 2, 11 })
        {
            using (no_grad())
                module.Reach.fill_(reach);
            Equal(streaming, randn(1, 3, 201, 170, dtype: ScalarType.Float64));
        }
    }

    [Fact]
    public void A_grid_that_hangs_on_a_buffer_is_found_again_when_it_changes()
    {
        using var scope = NewDisposeScope();
        var module = new Pooling();
        using var streaming = new StreamingModule(module, Overlap);
        foreach (var pool in new[] { 1, 4, 3, 2 })
        {
            module.Pool.fill_(pool);
            Equal(streaming, randn(1, 3, 204, 168, dtype: ScalarType.Float64));
        }
    }

    [Fact]
    public void Another_mode_may_be_another_geometry()
    {
        using var scope = NewDisposeScope();
        var convolution = Conv2d(3, 3, 3, padding: 1, dtype: ScalarType.Float64);
        WrittenModule? module = null;
        module = new(x => module!.training ? functional.avg_pool2d(convolution.forward(x), 13, 1, 6) : convolution.forward(x), convolution);
        module.eval();
        using var streaming = new StreamingModule(module, Overlap);
        Equal(streaming, randn(1, 3, 170, 150, dtype: ScalarType.Float64));
        module.train();
        Equal(streaming, randn(1, 3, 170, 150, dtype: ScalarType.Float64));
    }

    /// <summary>A field that is no parameter changes unseen; what tiles compute in common tells.</summary>
    [Fact]
    public void What_changes_unseen_is_noticed_by_the_tiles_and_probed_anew()
    {
        using var scope = NewDisposeScope();
        var (reach, convolution) = (1L, Conv2d(3, 3, 3, padding: 1, dtype: ScalarType.Float64));
        var module = new WrittenModule(x => functional.avg_pool2d(convolution.forward(x), (2 * reach) + 1, 1, reach), convolution);
        using var streaming = new StreamingModule(module, Overlap);
        var image = randn(1, 3, 220, 190, dtype: ScalarType.Float64);
        Equal(streaming, image);
        reach = 7;
        Assert.Contains("gives other values in another window of this image", Refusal(streaming, image), StringComparison.Ordinal);
        Equal(streaming, image);
    }

    /// <summary>No trial has met a pixel so bright as to make the module turn; one tile of the image does.</summary>
    [Theory]
    [InlineData(5, 5)]
    [InlineData(110, 100)]
    [InlineData(215, 185)]
    public void A_tile_that_goes_another_way_than_its_neighbours_is_noticed(int row, int column)
    {
        using var scope = NewDisposeScope();
        using var module = new WrittenModule(x => x * (x.max().item<double>() is > 1e7 and < 1e8 ? 2 : 1));
        using var streaming = new StreamingModule(module, Overlap);
        var image = randn(1, 3, 220, 190, dtype: ScalarType.Float64);
        image[0, 1, row, column] = 3e7;
        Assert.Contains("gives other values in another window of this image", Refusal(streaming, image), StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_mode_or_weights_between_the_passes_is_refused_by_path()
    {
        using var scope = NewDisposeScope();
        var (norm, convolution) = (BatchNorm2d(16), Conv2d(3, 16, 3));
        using var module = new WrittenModule(x => norm.forward(convolution.forward(x)), convolution, norm);
        module.eval();
        using var streaming = new StreamingModule(module, Overlap);
        foreach (var (change, message) in new (Action, string)[]
        {
            (() => norm.train(), "The training mode of layer 'layer1' changed"),
            (() => convolution.train(), "The training mode of layer 'layer0' changed"),
            (() => norm.running_mean!.add_(1), "The parameters or buffers of layer 'layer1' changed"),
            (() => convolution.weight.detach().mul_(2), "The parameters or buffers of layer 'layer0' changed"),
            (() => module.train(), "The training mode of the trunk changed"),
        })
        {
            module.eval();
            var loss = streaming.forward(randn(1, 3, 100, 90)).sum();
            change();
            Assert.Contains(message, Assert.ThrowsAny<Exception>(() => loss.backward()).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Two layers that are run as one, of which one goes into training as the other leaves it.</summary>
    [Fact]
    public void Modes_that_are_swapped_between_the_passes_are_noticed_in_a_graph_as_well()
    {
        using var scope = NewDisposeScope();
        var (convolution, norm) = (Conv2d(3, 16, 3), BatchNorm2d(16));
        using var trunk = Sequential(convolution, norm);
        trunk.eval();
        convolution.train();
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32) });
        var loss = streaming.forward(randn(1, 3, 80, 60)).sum();
        convolution.eval();
        norm.train();
        Assert.Contains("The training mode of layer", Assert.ThrowsAny<Exception>(() => loss.backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Norms_that_learn_statistics_are_refused_by_path()
    {
        using var scope = NewDisposeScope();
        Module<Tensor, Tensor>[] norms =
        [
            InstanceNorm2d(3, track_running_stats: true), BatchNorm2d(3), BatchNorm1d(3), InstanceNorm1d(3, track_running_stats: true),
        ];
        foreach (var norm in norms)
        {
            var flat = norm.GetType().Name.EndsWith("1d", StringComparison.Ordinal);
            using var module = new WrittenModule(x => flat ? norm.forward(x.flatten(2)).reshape(x.shape) : norm.forward(x), norm);
            using var streaming = new StreamingModule(module, Overlap);
            var before = norm.buffers().Select(buffer => buffer.clone()).ToArray();
            Assert.StartsWith(
                $"Layer 'layer0' ({norm.GetType().Name}) is in training mode",
                Refusal(streaming, randn(1, 3, 100, 90)),
                StringComparison.Ordinal);
            Assert.All(norm.buffers().Zip(before), pair => Assert.True(pair.First.Equals(pair.Second)));
        }
    }

    [Fact]
    public void A_layer_that_sees_the_whole_map_is_named()
    {
        using var scope = NewDisposeScope();
        var norm = GroupNorm(1, 3);
        using var module = new WrittenModule(norm.forward, norm);
        using var streaming = new StreamingModule(module, Overlap);
        Assert.Contains(
            "; layer 'layer0' (GroupNorm) normalises over the whole map",
            Refusal(streaming, randn(1, 3, 100, 90)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_that_changes_its_buffers_is_refused_and_they_are_put_back()
    {
        using var scope = NewDisposeScope();
        using var module = new Counting();
        using var streaming = new StreamingModule(module, Overlap);
        Assert.Contains("changes 'count' as it runs", Refusal(streaming, randn(1, 3, 100, 90)), StringComparison.Ordinal);
        Assert.Equal(0, module.Count.item<float>());
    }

    [Fact]
    public void Probing_leaves_random_numbers_gradients_and_modes_alone()
    {
        using var scope = NewDisposeScope();
        var (convolution, norm) = (Conv2d(3, 16, 3), BatchNorm2d(16));
        using var module = new WrittenModule(x => norm.forward(convolution.forward(x)), convolution, norm);
        norm.eval();
        using var streaming = new StreamingModule(module, Overlap);
        foreach (var parameter in module.parameters())
            parameter.grad = ones_like(parameter);
        manual_seed(5);
        var (image, expected) = (randn(1, 3, 200, 150), randn(10));
        manual_seed(5);
        image = randn(1, 3, 200, 150);
        var tensors = Tensor.TotalCount;

        streaming.forward(image).Dispose();

        // The garbage collector may have taken tensors of other tests meanwhile.
        Assert.InRange(Tensor.TotalCount, 0, tensors + 8);
        Assert.Equal(expected, randn(10));
        Assert.All(module.parameters(), parameter => Assert.Equal(parameter.numel(), parameter.grad!.sum().item<float>()));
        Assert.True(module.training && convolution.training && !norm.training);
        Assert.Equal(0, norm.running_mean!.abs().sum().item<float>());
    }

    [Fact]
    public void A_module_that_throws_is_tried_at_few_sizes_and_its_message_is_shown()
    {
        using var scope = NewDisposeScope();
        var (runs, largest) = (0, 0L);
        using var module = new WrittenModule(x =>
        {
            (runs, largest) = (runs + 1, Math.Max(largest, x.numel() / 3));
            throw new InvalidOperationException("I take pictures of cats alone.");
        });
        using var streaming = new StreamingModule(module, Overlap);
        var message = Refusal(streaming, randn(1, 3, 300, 200));
        Assert.Contains("\"I take pictures of cats alone\"", message, StringComparison.Ordinal);
        Assert.InRange(runs, 1, 20);
        Assert.InRange(largest, 1, 1 << 19);
    }

    [Fact]
    public void A_layer_that_does_not_fit_says_so_in_its_own_words()
    {
        using var scope = NewDisposeScope();
        var convolution = Conv2d(5, 3, 3);
        using var module = new WrittenModule(convolution.forward, convolution);
        using var streaming = new StreamingModule(module, Overlap);
        Assert.Contains("\"Expected ", Refusal(streaming, randn(1, 3, 300, 200)), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_map_is_refused()
    {
        using var scope = NewDisposeScope();
        using var module = new WrittenModule(x => x.mean([2, 3]));
        using var streaming = new StreamingModule(module, Overlap);
        Assert.Contains("which is no map [N, C, H, W]", Refusal(streaming, randn(1, 3, 300, 200)), StringComparison.Ordinal);
    }

    /// <summary>To the size of the skip, a map of half an odd size is not enlarged by two.</summary>
    [Fact]
    public void Sizes_that_a_network_is_not_local_on_are_refused_with_those_that_it_is()
    {
        using var scope = NewDisposeScope();
        var convolution = Conv2d(3, 3, 3, padding: 1, dtype: ScalarType.Float64);
        using var module = new WrittenModule(
            x => functional.interpolate(
                functional.max_pool2d(convolution.forward(x), 4),
                size: x.shape[2..],
                mode: InterpolationMode.Bilinear,
                align_corners: false) + x,
            convolution);
        using var streaming = new StreamingModule(module, Overlap);
        Assert.Contains(
            "pad or crop the image of 202 x 168 pixels to multiples of 4 x 4",
            Refusal(streaming, randn(1, 3, 202, 168, dtype: ScalarType.Float64)),
            StringComparison.Ordinal);
        Equal(streaming, randn(1, 3, 200, 168, dtype: ScalarType.Float64));
    }

    private static void Equal(StreamingModule streaming, Tensor image) => WholeCheck.EqualsWhole(streaming, image);

    private static string Refusal(StreamingModule streaming, Tensor image) =>
        Assert.Throws<UnsupportedLayerException>(() => streaming.forward(image)).Message;

    /// <summary>A module that reads as far as a parameter says.</summary>
    private sealed class Reaching : Module<Tensor, Tensor>
    {
        public readonly Parameter Reach = Parameter(tensor(1.0), requires_grad: false);
        private readonly Conv2d conv = Conv2d(3, 3, 3, padding: 1, dtype: ScalarType.Float64);

        public Reaching()
            : base(nameof(Reaching)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var reach = (long)Reach.item<double>();
            return functional.conv2d(input, conv.weight, conv.bias, padding: [reach, reach], dilation: [reach, reach]);
        }
    }

    /// <summary>A module that pools and enlarges as a buffer says.</summary>
    private sealed class Pooling : Module<Tensor, Tensor>
    {
        public readonly Tensor Pool = tensor(1);
        private readonly Conv2d conv = Conv2d(3, 3, 3, padding: 1, dtype: ScalarType.Float64);

        public Pooling()
            : base(nameof(Pooling)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            long pool = Pool.item<int>();
            var map = functional.max_pool2d(conv.forward(input), pool, pool);
            return functional.interpolate(map, scale_factor: [pool, pool], mode: InterpolationMode.Nearest) + input;
        }
    }

    private sealed class Counting : Module<Tensor, Tensor>
    {
        public readonly Tensor count = tensor(0f);

        public Counting()
            : base(nameof(Counting)) => RegisterComponents();

        public Tensor Count => count;

        public override Tensor forward(Tensor input)
        {
            count.add_(1);
            return input * 2;
        }
    }
}
