using StreamingCnn.Testing;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Wherever maps wait between stages, the step is that of the whole image, and nothing of them stays behind.</summary>
public sealed class BoundaryMapPlaceTests
{
    private const double Tolerance = 1e-11;

    [Theory]
    [InlineData(CarryPlace.Device, 24, false)]
    [InlineData(CarryPlace.Host, 24, false)]
    [InlineData(CarryPlace.File, 17, false)]
    [InlineData(CarryPlace.File, 40, true)]
    [InlineData(CarryPlace.Host, 500, true)]
    public void A_step_is_the_whole_images(CarryPlace place, int tile, bool isLast)
    {
        using var folder = new TemporaryFolder();
        manual_seed(3);
        var (name, error) = GlobalStep.Worst(
            () => Network().@double(),
            rand(2, 3, 47, 61, ScalarType.Float64),
            new()
            {
                Tile = (tile, tile + 5),
                BoundaryMaps = place,
                HostIsElsewhere = true,
                ChannelsLast = isLast,
                CarryFolder = place == CarryPlace.File ? folder.Path : null,
            });

        Assert.True(error < Tolerance, $"{name}: {error}");
        Assert.True(OperatingSystem.IsWindows() || Directory.GetFiles(folder.Path).Length == 0);
    }

    [Theory]
    [InlineData(CarryPlace.Device)]
    [InlineData(CarryPlace.File)]
    public void An_images_gradient_comes_in_rows_from_all_stages_that_read_it(CarryPlace place)
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var network = new ReadsImageTwice().to(ScalarType.Float64);
        using var streaming = new StreamingModule(network, new() { Tile = (16, 20), BoundaryMaps = place, HostIsElsewhere = true });
        var image = rand(1, 3, 43, 39, ScalarType.Float64);
        var leaf = image.clone().requires_grad_();
        network.forward(leaf).square().sum().backward();
        var gradient = full_like(image, double.NaN);
        var end = 43L;

        streaming.forward(new MemorySource(image), (top, rows) =>
        {
            Assert.Equal(end, top + rows.shape[2]);
            end = top;
            gradient.narrow(2, top, rows.shape[2]).copy_(rows);
        }).square().sum().backward();

        Assert.Equal(0, end);
        Assert.True((gradient - leaf.grad!).abs().max().item<double>() < 1e-12 * leaf.grad!.abs().max().item<double>());
    }

    private static Module<Tensor, Tensor> Network() => Sequential(
        Conv2d(3, 5, 3, padding: 1, bias: false),
        BatchNorm2d(5),
        ReLU(),
        Conv2d(5, 4, 3, stride: 2, bias: false),
        BatchNorm2d(4),
        ReLU(),
        Conv2d(4, 6, 3, padding: 1),
        BatchNorm2d(6));

    /// <summary>A block whose last stage reads the image once more.</summary>
    private sealed class ReadsImageTwice : StreamingBlock
    {
        private readonly Module<Tensor, Tensor> first = Conv2d(3, 4, 3, padding: 1);
        private readonly Module<Tensor, Tensor> norm = BatchNorm2d(4);
        private readonly Module<Tensor, Tensor> second = Conv2d(3, 4, 3, padding: 1);

        public ReadsImageTwice()
            : base(nameof(ReadsImageTwice)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(first).Through(norm) + input.Through(second);
    }
}
