using StreamingCnn.Models;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>Networks that people segment and classify with, streamed with their losses, against whole autograd.</summary>
public sealed class LossNetworkTests
{
    private const double Tolerance = 1e-12;

    [Theory]
    [InlineData("instance", 1, 21, 17, 1)]
    [InlineData("instance", 2, 20, 27, 7)]
    [InlineData("batch", 2, 21, 17, 5)]
    [InlineData("batch", 1, 26, 25, 64)]
    public void A_U_Net_with_Dice_and_cross_entropy(string norm, int batch, int height, int width, int tile)
    {
        manual_seed(31);
        using var scope = NewDisposeScope();
        var of = LossCase.Named("Dice and cross-entropy");
        var (target, mask) = (of.Target(batch, height, width), rand(batch, 1, height, width).gt(0.2));

        var (name, error) = GlobalStep.WorstOfLoss(
            () => new SmallUNet(c => norm == "batch" ? BatchNorm2d(c) : InstanceNorm2d(c, affine: true), height, width).@double(),
            rand(batch, 2, height, width, ScalarType.Float64),
            (network, image) => of.Of(network.forward(image), target, mask),
            (network, image) => new StreamingObjective(network, of.Loss, new() { Tile = (tile, tile + 2) }).forward(image, target, mask));

        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(11)]
    public void DeepLab_with_weighted_cross_entropy(int tile)
    {
        manual_seed(32);
        using var scope = NewDisposeScope();
        var of = LossCase.Named("cross-entropy, weighted");
        var target = of.Target(2, 29, 23);

        var (name, error) = GlobalStep.WorstOfLoss(
            () => new SmallDeepLab(29, 23).@double(),
            rand(2, 2, 29, 23, ScalarType.Float64),
            (network, image) => of.Of(network.forward(image), target, null),
            (network, image) => new StreamingObjective(network, of.Loss, new() { Tile = (tile, tile) }).forward(image, target));

        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void Deep_supervision_adds_losses_of_two_maps_with_the_target_resized()
    {
        manual_seed(34);
        using var scope = NewDisposeScope();
        var of = LossCase.Named("Dice and cross-entropy");
        using var network = new Supervised(of.Loss, (10, 13));
        network.@double();
        using var streaming = new StreamingNetwork(network, new() { Tile = (6, 5) });
        var (image, target) = (rand(2, 2, 19, 26, ScalarType.Float64), of.Target(2, 19, 26));

        var expected = Run(leaf =>
        {
            var (fine, coarse) = network.Maps(leaf);
            var small = functional.interpolate(target.to(ScalarType.Float64), [10, 13], mode: InterpolationMode.Nearest);
            return of.Of(fine, target, null) + (0.5 * of.Of(coarse, small, null));
        });
        var actual = Run(leaf => streaming.forward([leaf, target.to(ScalarType.Float64)])[0].reshape([]));

        foreach (var (found, right) in actual.Zip(expected))
            Assert.True(Exactness.Compare.RelativeError(found, right) < Tolerance);

        List<Tensor> Run(Func<Tensor, Tensor> forward)
        {
            var leaf = image.detach().clone().requires_grad_();
            var loss = forward(leaf);
            loss.backward();
            List<Tensor> results = [loss.detach(), leaf.grad!, .. network.parameters().Select(one => one.grad!.clone())];
            network.zero_grad();
            return results;
        }
    }

    private sealed class Supervised : MultiInputBlock
    {
        private readonly Conv2d first = Conv2d(2, 4, 3, padding: 1);
        private readonly Conv2d fine = Conv2d(4, LossCase.Classes, 3, padding: 1);
        private readonly Conv2d coarse = Conv2d(4, LossCase.Classes, 3, padding: 1, stride: 2);
        private readonly Upsample resize;
        private readonly MapLoss loss;

        public Supervised(MapLoss loss, (long Height, long Width) size)
            : base(nameof(Supervised), inputs: 2)
        {
            this.loss = loss;
            resize = Upsample([size.Height, size.Width], mode: UpsampleMode.Nearest);
            RegisterComponents();
        }

        public (Tensor Fine, Tensor Coarse) Maps(Tensor image)
        {
            var map = first.call(image);
            return (fine.call(map), coarse.call(map));
        }

        public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs)
        {
            var map = inputs[0].Through(first);
            GlobalTensor[] losses =
                [loss.Of(map.Through(fine), inputs[1]), loss.Of(map.Through(coarse), inputs[1].Through(resize))];
            return [GlobalTensor.Combine(parts => parts[0] + (0.5 * parts[1]), losses)];
        }
    }
}
