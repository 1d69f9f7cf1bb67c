using CsCheck;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Losses;

/// <summary>Losses behind random networks, on random images, at random tiles. Set STREAMINGCNN_CASES to run more cases.</summary>
public sealed class RandomLossTests
{
    private static readonly Func<MapLoss>[] Losses =
    [
        () => new DiceCrossEntropyMapLoss(ClassActivation.Sigmoid), () => new L2MapLoss(), () => new BinaryFocalMapLoss(),
        () => new CrossEntropyMapLoss(), () => new DiceCrossEntropyMapLoss(perImage: true), () => new FocalMapLoss(),
    ];

    [Fact]
    public void A_streamed_loss_is_that_of_the_whole_map() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 7], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[1, 2]).Sample(
        Check, iter: Cases.Or(25), threads: 1);

    private static void Check(int seed, int layers, int height, int width, int tileHeight, int tileWidth, int batch)
    {
        using var scope = NewDisposeScope();
        using var network = new RandomNetwork(seed, layers, 2, height, width, looksAtWholeMaps: seed % 2 == 0);
        using var image = randn(batch, 2, height, width, dtype: ScalarType.Float64).requires_grad_();
        var shape = network.forward(image).shape;
        // Of classes only where there are some.
        var kind = seed / 2 % (shape[1] > 1 ? Losses.Length : 3);
        var loss = Losses[kind]();
        var target = kind < 3 ? randint(0, 2, shape) : randint(0, shape[1], [batch, 1, shape[2], shape[3]]);
        var mask = seed % 3 == 0 ? null : rand(batch, 1, shape[2], shape[3]).IsAtLeast(0.3);
        mask?.select(3, 0).Filled(1);
        var objective = new StreamingObjective(network, loss, new() { Tile = (tileHeight, tileWidth) });

        var whole = Step(() => loss.forward(network.forward(image), target, mask));
        var streamed = Step(() => objective.forward(image, target, mask));

        ExactnessLaw.Holds(
            streamed,
            whole,
            () => Step(() => loss.forward(network.forward(image), target, mask)),
            [image, .. network.parameters()],
            $"{loss.GetName()}, seed {seed}, {layers} layers, {height} x {width}, tile {tileHeight} x {tileWidth}, batch {batch}: {network}");

        StepResults Step(Func<Tensor> forward)
        {
            var value = forward();
            var results = StepResults.OfOutputs([value]);
            if (value.requires_grad)
                value.backward();
            results.TakeGradient("image", image);
            foreach (var (name, parameter) in network.named_parameters())
                results.TakeGradient(name, parameter);
            return results;
        }
    }
}
