using StreamingCnn.Models;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>What a loss cannot be right for is refused in a sentence, whole and streamed.</summary>
public sealed class LossRefusalTests
{
    [Theory]
    [InlineData(3, "3")]
    [InlineData(-1, "-1")]
    [InlineData(0.5, "0.5")]
    [InlineData(double.NaN, "NaN")]
    public void A_class_that_does_not_exist_is_named_with_its_place(double value, string text)
    {
        var target = zeros(2, 1, 9, 11, ScalarType.Float64);
        target[1, 0, 7, 4] = value;
        Refuses(new CrossEntropyMapLoss(), target, $"CrossEntropyMapLoss has the target {text} at row 7, column 4 of image 1, but classes are whole numbers from 0 to 2; mend it, or name it as the index to be ignored.");
    }

    [Fact]
    public void A_byte_mask_is_no_target_of_zeros_and_ones()
    {
        var target = zeros(2, 3, 9, 11, ScalarType.Float64);
        target[0, 2, 8, 10] = 255;
        Refuses(new BinaryCrossEntropyMapLoss(), target, "BinaryCrossEntropyMapLoss has the target 255 at row 8, column 10 of image 0, but probabilities lie between 0 and 1; divide it by its largest value, or mask it.");
        Refuses(new DiceMapLoss(ClassActivation.Sigmoid), target, "DiceMapLoss has the target 255 at row 8, column 10 of image 0, where 0 or 1 is needed; mend it, or name it as the index to be ignored.");
    }

    [Fact]
    public void Where_nothing_counts_there_is_no_mean()
    {
        var (ignored, classes) = (full([2, 1, 9, 11], 255, ScalarType.Float64), zeros(2, 1, 9, 11, ScalarType.Float64));
        const string Sentence = " has no position to count, since mask, ignored targets and weights leave none; leave such images out.";
        Refuses(new CrossEntropyMapLoss(ignoreIndex: 255), ignored, "CrossEntropyMapLoss" + Sentence);
        Refuses(new CrossEntropyMapLoss([0, 1, 1]), classes, "CrossEntropyMapLoss" + Sentence);
        Refuses(new DiceMapLoss(ignoreIndex: 255), ignored, "DiceMapLoss" + Sentence);
        Refuses(new L1MapLoss(), zeros(2, 3, 9, 11, ScalarType.Float64), "L1MapLoss" + Sentence, zeros(2, 1, 9, 11));
        ignored[0].zero_();
        Refuses(new DiceMapLoss(ignoreIndex: 255, perImage: true), ignored, "DiceMapLoss" + Sentence);
        Assert.Equal(0, new CrossEntropyMapLoss(ignoreIndex: 255, reduction: Reduction.Sum).forward(
            zeros(1, 3, 2, 2), full(1, 2, 2, 255f)).item<float>());
    }

    [Theory]
    [InlineData(8, 11)]
    [InlineData(1, 1)]
    [InlineData(9, 22)]
    public void A_target_of_another_size_is_refused_with_both_sizes(int height, int width)
    {
        using var scope = NewDisposeScope();
        using var network = Conv2d(2, 3, 1);
        var (loss, target) = (new CrossEntropyMapLoss(), zeros(1, 1, height, width, ScalarType.Int64));
        var objective = new StreamingObjective(network, loss, new() { Tile = (4, 4) });

        Assert.Contains(
            $"inputs of 9 x 11 and {height} x {width}: joins maps of different size: 9 x 11 and {height} x {width}.",
            Assert.Throws<UnsupportedLayerException>(() => objective.forward(rand(1, 2, 9, 11), target)).Message);
        Assert.Equal(
            $"CrossEntropyMapLoss has an output of 1 images, 9 x 11, but a target of 1 images, {height} x {width}; give one of the output's size.",
            Assert.Throws<ArgumentException>(() => loss.forward(rand(1, 3, 9, 11), target)).Message);
    }

    [Fact]
    public void Channels_that_do_not_fit_are_refused()
    {
        Says(new CrossEntropyMapLoss([1, 2]), 3, 1, "has weights for 2 classes, but the output has 3 channels; give one for each.");
        Says(
            new CrossEntropyMapLoss(),
            3,
            3,
            "takes a target of 1 channel with class indices, but it has 3; give the index of each position's class.");
        Says(
            new CrossEntropyMapLoss(),
            1,
            1,
            "tells classes apart, but the output has 1 channel; give it one for each class, or take a loss of logistic functions.");
        Says(new L2MapLoss(), 3, 1, "takes a target with as many channels as the output, 3, but it has 1; give one for each.");

        static void Says(MapLoss loss, long outputs, long targets, string sentence)
        {
            using var scope = NewDisposeScope();
            using var network = Conv2d(2, outputs, 1);
            var objective = new StreamingObjective(network, loss, new() { Tile = (4, 4) });
            Assert.EndsWith(
                sentence,
                Assert.Throws<UnsupportedLayerException>(() => objective.forward(rand(1, 2, 5, 5), zeros(1, targets, 5, 5))).Message);
        }
    }

    [Fact]
    public void A_network_that_the_engine_cannot_see_into_has_no_streamed_loss()
    {
        using var scope = NewDisposeScope();
        using var network = new Opaque();
        var objective = new StreamingObjective(network, new L2MapLoss(), new() { Mode = StreamingMode.Overlap, Tile = (8, 8) });

        Assert.Equal(
            "The engine cannot see into Opaque, so it cannot stream its loss; build it of layers that the engine knows, or teach it those that it does not.",
            Assert.Throws<NotSupportedException>(() => objective.forward(rand(1, 1, 20, 20), rand(1, 1, 20, 20))).Message);
    }

    [Fact]
    public void Neither_a_step_nor_a_refusal_leaves_a_tensor_behind()
    {
        using var network = Sequential(Conv2d(2, 4, 3, padding: 1), BatchNorm2d(4), ReLU(), Conv2d(4, 3, 1));
        using var objective = new StreamingObjective(network, new DiceCrossEntropyMapLoss(), new() { Tile = (8, 8) });
        using var image = rand(2, 2, 20, 21);
        using var target = zeros(2, 20, 21, dtype: ScalarType.Byte);
        using var wrong = full(2, 20, 21, 7, ScalarType.Byte);
        Once();
        var before = LivingTensors.Count();

        Once();
        Once();

        Assert.Equal(before, LivingTensors.Count());

        void Once()
        {
            using (NewDisposeScope())
            {
                objective.forward(image, target).backward();
                Assert.Throws<ArgumentException>(() => objective.forward(image, wrong));
            }

            network.zero_grad();
            Execution.StreamingFunction.Release();
        }
    }

    private static void Refuses(MapLoss loss, Tensor target, string sentence, Tensor? mask = null)
    {
        using var scope = NewDisposeScope();
        using var network = Conv2d(2, 3, 1).@double();
        var objective = new StreamingObjective(network, loss, new() { Tile = (4, 4) });
        var image = rand(2, 2, 9, 11, ScalarType.Float64);
        Assert.Equal(sentence, Assert.Throws<ArgumentException>(() => objective.forward(image, target, mask)).Message);
        Assert.Equal(sentence, Assert.Throws<ArgumentException>(() => loss.forward(network.forward(image), target, mask)).Message);
    }

    private sealed class Opaque() : Module<Tensor, Tensor>(nameof(Opaque))
    {
        public override Tensor forward(Tensor input) => input.abs();
    }
}
