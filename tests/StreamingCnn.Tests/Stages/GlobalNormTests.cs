using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Norms of whole maps: outputs, all gradients and running statistics are those of the whole image, however it is cut.</summary>
public sealed class GlobalNormTests
{
    private const double Tolerance = 1e-12;

    public static TheoryData<string> Kinds => [.. NormKinds.All.Keys];

    private static readonly Dictionary<string, (int Batch, int Height, int Width, StreamingOptions Options)> Ways = new()
    {
        ["single pixels"] = (2, 6, 7, new() { Tile = (1, 1) }),
        ["channels first"] = (2, 25, 31, new() { Tile = (6, 9), ChannelsLast = false }),
        ["channels last, in a file"] = (3, 22, 19, new() { Tile = (7, 30), ChannelsLast = true, Carry = CarryPlace.File }),
        ["in the host's memory"] = (1, 28, 30, new() { Tile = (11, 8), Carry = CarryPlace.Host, HostIsElsewhere = true }),
        ["overlapping"] = (2, 21, 18, new() { Tile = (8, 6), Mode = StreamingMode.Overlap }),
        ["whole"] = (2, 12, 17, new() { Tile = (64, 64) }),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_step_is_that_of_the_whole_image(string kind)
    {
        foreach (var (way, (batch, height, width, options)) in Ways)
        {
            manual_seed(kind.Length);
            // Far from 0, so that what is lost beside the mean shows.
            using var image = rand(batch, 3, height, width, ScalarType.Float64) + 5;
            var (name, error) = GlobalStep.Worst(
                () => new NormedBlock(() => NormKinds.All[kind](NormedBlock.Channels, (height, width))).@double(), image, options);
            Assert.True(error < Tolerance, $"{way}: {name}: {error}");
        }
    }

    [Theory]
    [InlineData("batch, evaluated")]
    [InlineData("instance, tracked, evaluated")]
    public void With_running_statistics_a_norm_is_local_and_becomes_a_part_of_its_convolution(string kind)
    {
        using var scope = NewDisposeScope();
        using var trunk = Sequential(Conv2d(3, 4, 3), NormKinds.All[kind](4, default), ReLU());
        var traced = GraphBuilder.Trace(trunk, 3);
        Assert.True(traced.IsLocal);
        Assert.IsType<BatchNormLayer>(traced.Maps[2].Layer);
        Assert.DoesNotContain(NormFolding.Of(traced.Local).Nodes, node => node.Layer is BatchNormLayer);
    }

    [Fact]
    public void Frozen_batch_norms_use_their_running_statistics_while_instance_norms_do_not()
    {
        using var scope = NewDisposeScope();
        using var batch = Sequential(Conv2d(3, 4, 3), BatchNorm2d(4));
        using var instance = Sequential(Conv2d(3, 4, 3), InstanceNorm2d(4, track_running_stats: true));
        Assert.True(GraphBuilder.Trace(batch, 3, frozenBatchNorm: true).IsLocal);
        Assert.False(GraphBuilder.Trace(batch, 3).IsLocal);
        Assert.False(GraphBuilder.Trace(instance, 3, frozenBatchNorm: true).IsLocal);
    }

    [Fact]
    public void Only_what_learns_has_a_gradient()
    {
        manual_seed(1);
        var (name, error) = GlobalStep.Worst(
            () =>
            {
                var block = new NormedBlock(() => BatchNorm2d(NormedBlock.Channels)).@double();
                foreach (var (path, parameter) in block.named_parameters())
                    parameter.requires_grad = path is "stemNorm.weight" or "branch.2.bias";
                return block;
            },
            rand(2, 3, 20, 23, ScalarType.Float64),
            new() { Tile = (8, 8) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    /// <summary>What is small beside the mean is not lost, neither of the variance nor of the gradient.</summary>
    [Theory]
    [InlineData("batch")]
    [InlineData("group")]
    [InlineData("instance, tracked")]
    public void Deviations_of_1_about_1000_are_right_in_single_precision(string kind)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var image = randn(2, 6, 40, 50) + 1000;
        using var norm = NormKinds.All[kind](6, default);
        using var exact = NormKinds.All[kind](6, default).@double();
        var actual = Run(new StreamingModule(norm, new() { Tile = (9, 16) }), norm, image);
        var expected = Run(exact, exact, image.to(ScalarType.Float64));
        // A float32 number near 1000 has a rounding of 3e-5, and that much the constant x * scale + shift is off.
        foreach (var ((name, found), (_, right)) in actual.Zip(expected))
            Assert.True(Largest(found.to(ScalarType.Float64) - right) < 2e-4 * Math.Max(1, Largest(right)), name);

        static double Largest(Tensor tensor) => tensor.to(ScalarType.Float64).abs().max().item<double>();

        static (string Name, Tensor Value)[] Run(Module<Tensor, Tensor> module, Module<Tensor, Tensor> norm, Tensor image)
        {
            var leaf = image.detach().requires_grad_();
            var output = module.forward(leaf);
            (output * (Weights(output) + 0.5)).sum().backward();
            return
            [
                ("output", output.detach()), ("image", leaf.grad!),
                .. norm.named_parameters().Select(named => (named.name, named.parameter.grad!)),
                .. norm.named_buffers().Select(named => (named.name, named.buffer)),
            ];
        }
    }

    /// <summary>
    /// Maps are rounded to 8 significant bits, but not what is computed of them: about 20 those have 4 bits behind the point, while the
    /// output has as many as its values allow.
    /// </summary>
    [Theory]
    [InlineData("batch")]
    [InlineData("group")]
    [InlineData("instance, affine, evaluated")]
    public void In_bfloat16_nothing_is_rounded_but_maps(string kind)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var image = randn(2, 6, 40, 44) + 20;
        var convolution = Conv2d(6, 6, 1, bias: false);
        using (no_grad())
            convolution.weight.copy_(eye(6).reshape(6, 6, 1, 1));
        using var norm = NormKinds.All[kind](6, default);
        using var network = Sequential(convolution, norm);
        var output = new StreamingModule(network, new() { Tile = (16, 16), Compute = ComputePrecision.BFloat16 }).forward(image);
        var weights = Weights(output);
        (output * weights).sum().backward();

        var exact = NormKinds.All[kind](6, default).@double();
        var map = image.to(ScalarType.BFloat16).to(ScalarType.Float64).requires_grad_();
        var right = exact.forward(map);
        (right * weights.to(ScalarType.Float64)).sum().backward();
        Assert.True(((output - right).abs() - (right.abs() / 256)).max().item<double>() < 1e-4);
        foreach (var (found, parameter) in norm.parameters().Zip(exact.parameters()))
            Assert.True(((found.grad! - parameter.grad!).abs().max() / parameter.grad!.abs().max()).item<double>() < 1e-5);
        // That of the convolution's weights, of a map's gradient with 8 significant bits.
        var expected = einsum("nohw,nihw->oi", map.grad!, image.to(ScalarType.Float64));
        using var scale = einsum("nohw,nihw->oi", map.grad!.abs(), image.to(ScalarType.Float64));
        Assert.True(((convolution.weight.grad!.reshape(6, 6) - expected).abs() / scale).max().item<double>() < 1e-3);
    }

    /// <summary>Factors that every type has.</summary>
    private static Tensor Weights(Tensor output) =>
        arange(output.numel(), ScalarType.Float64).mul(0.37).sin().to(ScalarType.BFloat16).to(output.dtype).reshape(output.shape);
}
