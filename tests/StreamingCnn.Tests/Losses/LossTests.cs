using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>Losses of maps are what their formulas say, on whole maps and streamed, with all gradients.</summary>
public sealed class LossTests
{
    private const double Tolerance = 1e-12;

    public static TheoryData<string> Names => [.. LossCase.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_loss_is_its_formula(string name)
    {
        foreach (var (batch, masked, tile) in new[] { (1, false, 1), (2, true, 3), (2, false, 5), (1, true, 40) })
        {
            using var scope = NewDisposeScope();
            manual_seed(21);
            var of = LossCase.Named(name);
            using var network = Sequential(
                Conv2d(2, 4, 3, padding: 1), GELU(), Conv2d(4, LossCase.Classes, 3, padding: 1, stride: 2)).@double();
            var objective = new StreamingObjective(network, of.Loss, new() { Tile = (tile, tile) });
            var image = rand(batch, 2, 9, 13, ScalarType.Float64);
            var (target, mask) = (of.Target(batch, 5, 7), masked ? rand(batch, 2, 5, 7).gt(0.4) : null);

            var expected = Step(network, image, leaf => of.Of(network.forward(leaf), target, mask));
            var whole = Step(network, image, leaf => of.Loss.forward(network.forward(leaf), target, mask));
            var streamed = Step(network, image, leaf => objective.forward(leaf, target, mask));

            AssertEqual(whole, expected, $"whole, batch {batch}, mask {masked}");
            AssertEqual(streamed, expected, $"tile {tile}, batch {batch}, mask {masked}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_mask_removes_counts_for_nothing_whatever_it_is(string name)
    {
        using var scope = NewDisposeScope();
        manual_seed(22);
        var of = LossCase.Named(name);
        using var network = new Bare(of.Loss, 3);
        using var streaming = new StreamingNetwork(network, new() { Tile = (3, 4) });
        var (logits, target) = (randn(2, LossCase.Classes, 6, 7, ScalarType.Float64), of.Target(2, 6, 7).to(ScalarType.Float64));
        var mask = rand(2, 1, 6, 7).gt(0.5);
        var removed = mask.logical_not();
        var (spoiltLogits, spoiltTarget) = (logits.masked_fill(removed, double.NaN), target.masked_fill(removed, -7.5));

        var expected = Gradient(logits, leaf => of.Of(leaf, target, mask));
        foreach (var actual in new[]
        {
            Gradient(spoiltLogits, leaf => of.Loss.forward(leaf, spoiltTarget, mask)),
            Gradient(spoiltLogits, leaf => streaming.forward([leaf, spoiltTarget, mask.to(ScalarType.Float64)])[0]),
        })
        {
            Assert.True(Compare.RelativeError(actual.Loss.reshape([]), expected.Loss) < Tolerance);
            Assert.True(Compare.RelativeError(actual.Gradient, expected.Gradient) < Tolerance);
            Assert.False(actual.Gradient.ne(0).logical_and(removed).any().item<bool>());
        }
    }

    [Theory]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Int16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Float32)]
    public void Targets_and_masks_are_read_window_by_window_as_they_are(ScalarType type)
    {
        using var scope = NewDisposeScope();
        manual_seed(23);
        using var network = Sequential(Conv2d(3, 4, 3, padding: 1), ReLU(), Conv2d(4, LossCase.Classes, 1)).@double();
        var of = LossCase.Named("Dice and cross-entropy");
        var objective = new StreamingObjective(network, of.Loss, new() { Tile = (8, 6) });
        var image = rand(1, 3, 21, 17, ScalarType.Float64);
        var (target, mask) = (of.Target(1, 21, 17), rand(1, 1, 21, 17).gt(0.3));

        var expected = Step(network, image, leaf => of.Of(network.forward(leaf), target, mask));
        using var images = new MemorySource(image);
        using var targets = new MemorySource(target.to(type));
        using var masks = new MemorySource(mask.to(ScalarType.Byte).mul(255));
        var streamed = Step(network, image, _ => objective.forward(images, targets, masks));

        AssertEqual(streamed[..1], expected[..1], "loss");
        AssertEqual(streamed[2..], expected[2..], "gradients");
    }

    [Fact]
    public void However_it_is_cut_and_wherever_things_wait_a_step_is_the_whole_image_s()
    {
        foreach (var options in new StreamingOptions[]
        {
            new() { Tile = (8, 6), Mode = StreamingMode.Overlap },
            new() { Tile = (7, 30), ChannelsLast = true, Carry = CarryPlace.File },
            new() { Tile = (5, 8), ChannelsLast = false, Carry = CarryPlace.Host, HostIsElsewhere = true },
            new() { MemoryBudget = 64 << 20 },
        })
        {
            using var scope = NewDisposeScope();
            manual_seed(26);
            var of = LossCase.Named("Dice and cross-entropy");
            using var network = Sequential(
                Conv2d(3, 4, 3, padding: 1), GroupNorm(2, 4), ReLU(), Conv2d(4, LossCase.Classes, 3, padding: 1)).@double();
            using (no_grad())
            {
                foreach (var parameter in network.parameters())
                    parameter.uniform_(-0.5, 1);
            }

            var (image, target, mask) = (rand(2, 3, 19, 22, ScalarType.Float64), of.Target(2, 19, 22), rand(2, 19, 22).gt(0.3));
            var objective = new StreamingObjective(network, of.Loss, options);

            var expected = Step(network, image, leaf => of.Of(network.forward(leaf), target, mask.unsqueeze(1)));
            AssertEqual(Step(network, image, leaf => objective.forward(leaf, target, mask)), expected, options.ToString());
        }
    }

    /// <summary>Maps are rounded to 8 significant bits, but not the loss of a position, nor their sum.</summary>
    [Fact]
    public void In_bfloat16_losses_are_computed_in_float32()
    {
        using var scope = NewDisposeScope();
        manual_seed(24);
        using var network = Conv2d(3, 3, 1, bias: false);
        using (no_grad())
            network.weight.copy_(eye(3).reshape(3, 3, 1, 1));
        var of = LossCase.Named("Dice and cross-entropy");
        var objective = new StreamingObjective(network, of.Loss, new() { Tile = (16, 16), Compute = ComputePrecision.BFloat16 });
        var (image, target) = (randn(1, 3, 60, 70) * 3, of.Target(1, 60, 70));
        var loss = objective.forward(image, target);
        loss.backward();

        var logits = image.to(ScalarType.BFloat16).to(ScalarType.Float64).requires_grad_();
        var exact = of.Of(logits, target, null);
        exact.backward();

        Assert.Equal(ScalarType.Float32, loss.dtype);
        Assert.Equal(1, (loss.to(ScalarType.Float64) / exact).item<double>(), 2e-6);
        var expected = einsum("nohw,nihw->oi", logits.grad!, image.to(ScalarType.Float64));
        var scale = einsum("nohw,nihw->oi", logits.grad!.abs(), image.to(ScalarType.Float64).abs());
        Assert.True(((network.weight.grad!.reshape(3, 3) - expected).abs() / scale).max().item<double>() < 1e-3);
    }

    [Fact]
    public void Weights_of_positions_are_those_of_the_mean()
    {
        using var scope = NewDisposeScope();
        manual_seed(25);
        var (output, target) = (randn(2, 3, 6, 7, ScalarType.Float64), randn(2, 3, 6, 7, ScalarType.Float64));
        foreach (var channels in new[] { 1, 3 })
        {
            var weights = rand(2, channels, 6, 7, ScalarType.Float64);
            weights[0].select(1, 2).zero_();
            var loss = new L1MapLoss(weighted: true);
            using var streaming = new StreamingNetwork(new Bare(loss, 3), new() { Tile = (2, 3) });

            var expected = Gradient(output, leaf => ((leaf - target).abs() * weights).sum() / weights.expand_as(target).sum());
            var whole = Gradient(output, leaf => loss.forward(leaf, target, weights));
            var streamed = Gradient(output, leaf => streaming.forward([leaf, target, weights])[0]);

            foreach (var actual in new[] { whole, streamed })
            {
                Assert.True(Compare.RelativeError(actual.Loss.reshape([]), expected.Loss) < Tolerance);
                Assert.True(Compare.RelativeError(actual.Gradient, expected.Gradient) < Tolerance);
            }
        }
    }

    /// <summary>A probability that rounds to 1 or to 0 has a loss and a gradient.</summary>
    [Fact]
    public void Sure_logits_have_numbers_for_gradients()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { 90, -90, 0 }).reshape(1, 3, 1, 1).expand(1, 3, 2, 2);
        var (classes, each) = (tensor(new long[] { 0, 1, 2, 0 }).reshape(1, 2, 2), tensor(new float[] { 1, 0, 1, 0 }).reshape(1, 1, 2, 2));
        foreach (var (loss, target) in new (MapLoss, Tensor)[]
        {
            (new FocalMapLoss(0.5), classes), (new CrossEntropyMapLoss(), classes), (new DiceMapLoss(), classes),
            (new BinaryFocalMapLoss(0.5), each.expand(1, 3, 2, 2)), (new BinaryCrossEntropyMapLoss(), each.expand(1, 3, 2, 2)),
        })
        {
            var found = Gradient(logits, leaf => loss.forward(leaf, target));
            Assert.True(found.Loss.isfinite().item<bool>(), loss.GetName());
            Assert.True(found.Gradient.isfinite().all().item<bool>(), loss.GetName());
        }
    }

    /// <summary>The value, the image's gradient and the parameters'; zeros for none.</summary>
    private static List<Tensor> Step(Module network, Tensor image, Func<Tensor, Tensor> forward)
    {
        var leaf = image.detach().clone().requires_grad_();
        var loss = forward(leaf);
        Assert.Empty(loss.shape);
        loss.backward();
        List<Tensor> results =
            [loss.detach(), leaf.grad ?? zeros_like(leaf), .. network.parameters().Select(one => one.grad?.clone() ?? zeros_like(one))];
        network.zero_grad();
        return results;
    }

    private static (Tensor Loss, Tensor Gradient) Gradient(Tensor logits, Func<Tensor, Tensor> forward)
    {
        var leaf = logits.detach().clone().requires_grad_();
        var loss = forward(leaf);
        loss.backward();
        return (loss.detach(), leaf.grad!);
    }

    private static void AssertEqual(List<Tensor> actual, List<Tensor> expected, string what)
    {
        // What cancels, such as a bias that moves all classes alike, is measured against the others.
        var floor = 1e-2 * expected.Max(one => one.abs().max().item<double>());
        foreach (var (found, right) in actual.Zip(expected))
        {
            Assert.Equal(right.shape, found.shape);
            var error = Compare.RelativeError(found, right, floor);
            Assert.True(error < Tolerance, $"{what}, [{string.Join(", ", right.shape)}]: {error}");
        }
    }

    private sealed class Bare(MapLoss loss, int inputs) : MultiInputBlock(nameof(Bare), inputs)
    {
        public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs) =>
            [loss.Of(inputs[0], inputs[1], inputs.ElementAtOrDefault(2))];
    }
}
