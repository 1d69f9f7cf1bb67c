using StreamingCnn.Models;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Export;

/// <summary>Networks as files: ONNX Runtime computes what they compute, and imported again they are the same.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_block_with_layers_at_each_pixel_runs_in_ONNX_Runtime()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        using var network = Sequential(
            Conv2d(3, 8, 4, 4),
            new Block(),
            Upsample(scale_factor: [2, 3], mode: UpsampleMode.Bilinear),
            ReflectionPad2d(1),
            PixelShuffle(2));
        Exported.Check(network, folder, 44, 52).Dispose();
    }

    [Fact]
    public void Kernels_that_a_map_makes_for_each_position_run_in_ONNX_Runtime_and_stream()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        using var network = Sequential(Conv2d(3, 4, 3, 2), new Involution(4));
        using var again = Exported.Check(network, folder, 44, 53);
        network.to(ScalarType.Float64);
        var image = randn([1, 3, 61, 50], ScalarType.Float64, requires_grad: true);
        var whole = network.forward(image);
        whole.square().sum().backward();
        var expected = image.grad!.clone();
        image.grad = null;
        using var streaming = new StreamingModule(network, new StreamingOptions { Tile = (13, 17) });
        var streamed = streaming.forward(image);
        Assert.InRange(ReferenceRuntime.Difference(streamed.detach(), whole.detach()), 0, 1e-12);
        streamed.square().sum().backward();
        Assert.InRange(ReferenceRuntime.Difference(image.grad!, expected), 0, 1e-12);
    }

    [Fact]
    public void Parameters_keep_their_names_and_the_mode_is_left_as_it_is()
    {
        using var scope = NewDisposeScope();
        using var trunk = ModelCatalog.Create("resnet18");
        OnnxExport.Write(trunk, folder.File("trunk.onnx"));
        Assert.True(trunk.training);
        using var again = OnnxNetwork.LoadTrunk(folder.File("trunk.onnx"));
        Assert.Equal(
            trunk.state_dict().Keys.Where(key => !key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Order(),
            again.state_dict().Keys.Where(key => !key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public void Preprocessing_is_a_part_of_the_network_where_it_is_wished()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var network = Sequential(Conv2d(2, 3, 3));
        var path = folder.File("net.onnx");
        OnnxExport.Write(
            network,
            path,
            new() { Channels = 2, Preprocessing = ([10, 20], [2, 4]), Metadata = new Dictionary<string, string> { ["outputs"] = "a\nb" } });
        var image = rand(1, 2, 9, 11) * 50;
        var expected = network.forward(
            (image - tensor(new float[] { 10, 20 }).reshape(1, 2, 1, 1)) / tensor(new float[] { 2, 4 }).reshape(1, 2, 1, 1));
        Assert.InRange(ReferenceRuntime.Difference(ReferenceRuntime.Run(path, image), expected), 0, 1e-5);
        Assert.Throws<ArgumentException>(() => OnnxExport.Write(network, path, new() { Channels = 2, Preprocessing = ([1], [1]) }));
    }

    /// <summary>A kernel of 3 x 3 places for each channel and position, made of the map itself.</summary>
    private sealed class Involution : StreamingBlock
    {
        private readonly long channels;
        private readonly Module<Tensor, Tensor> kernels;
        private readonly Module<Tensor, Tensor>[] shifts;

        public Involution(long channels)
            : base(nameof(Involution))
        {
            this.channels = channels;
            kernels = Conv2d(channels, 9 * channels, 1);
            shifts =
            [
                .. from row in (long[])[-1, 0, 1] from column in (long[])[-1, 0, 1] select ZeroPad2d((-column, column, -row, row)),
            ];
            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input)
        {
            var made = input.Through(kernels);
            return shifts.Select((shift, place) => made.Slice(place * channels, channels) * input.Through(shift))
                .Aggregate((a, b) => a + b);
        }
    }

    private sealed class Block : StreamingBlock
    {
        private readonly ChannelLayerNorm norm = new(8);
        private readonly Module<Tensor, Tensor> widen = Linear(8, 16);
        private readonly Module<Tensor, Tensor> activation = GELU();
        private readonly Module<Tensor, Tensor> narrow = Linear(16, 8);
        private readonly ChannelScale scale = new(8, 0.5);
        private readonly SqueezeExcite gate = new(8, 2);

        public Block()
            : base(nameof(Block)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input)
        {
            var branch = input.Through(norm).Through(widen).Through(activation).Through(narrow).Through(scale).Through(gate);
            return FeatureMap.Concat(branch.Slice(4, 4), (input + branch).Slice(0, 4)) * input;
        }
    }
}
