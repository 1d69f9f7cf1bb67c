using StreamingCnn.Imaging;
using StreamingCnn.Models;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>
/// Loss, gradients, scores and counts are those of the whole image, by PyTorch's own functions, whatever the tile and the size.
/// </summary>
public class SegmenterTests
{
    private const double Rounding = 1e-12;
    private const int Classes = 3;

    private static readonly double[] Weights = [0.5, 2, 1.25];

    public static TheoryData<string, int, int, int> Cases()
    {
        var data = new TheoryData<string, int, int, int>();
        foreach (var loss in (string[])["cross-entropy", "weighted", "dice", "dice-cross-entropy", "focal"])
            data.Add(loss, 37, 53, 9);
        // Sizes that the trunk's stride divides and does not, one tile and many.
        foreach (var (height, width, tile) in ((int, int, int)[])[(40, 64, 16), (41, 42, 13), (43, 33, 64), (17, 90, 32)])
            data.Add("dice-cross-entropy", height, width, tile);
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Streamed_equals_whole(string loss, int height, int width, int tile)
    {
        using var scope = NewDisposeScope();
        var trunk = Shapes.Trunk();
        using var model = new StreamingSegmenter(trunk, Classes, new() { Tile = (tile, tile) }, channels: 8);
        model.to(ScalarType.Float64);
        var image = randn([1, 3, height, width], ScalarType.Float64, generator: new Generator(5));
        var classes = Map(height, width);
        using var source = new TensorImageSource(image);
        using var mask = Shapes.ClassMap(classes);

        var options = Options(loss);
        var (crossEntropy, learned, counts) = model.Judge(source, mask, options);
        learned.backward();
        var streamed = Gradients(model);
        foreach (var parameter in model.parameters())
            parameter.grad = null;

        var scores = Scores(model, image);
        var target = classes.squeeze(1).to(ScalarType.Int64);
        var expected = Formula(loss, scores, target);
        expected.backward();
        AssertNear(functional.cross_entropy(scores, target, ignore_index: -100), crossEntropy);
        AssertNear(expected, learned);
        var whole = Gradients(model);
        Assert.Equal(6, whole.Count);
        foreach (var (name, gradient) in whole)
        {
            var distance = (gradient - streamed[name]).abs().max().item<double>() / gradient.abs().max().item<double>();
            Assert.True(distance < Rounding, $"{name}: {distance}");
        }

        Assert.Equal(Counts(scores, target), counts);
        AssertNear(scores.detach(), model.forward(image).detach());
    }

    /// <summary>A network that gives scores of the image's size needs no head.</summary>
    [Fact]
    public void A_dense_network_is_taken_as_it_is()
    {
        using var scope = NewDisposeScope();
        using var trunk = Sequential(Conv2d(3, 4, 3, padding: 1), ReLU(), Conv2d(4, Classes, 1));
        using var model = new StreamingSegmenter(trunk, Classes, new() { Tile = (9, 9) }, isDense: true);
        model.to(ScalarType.Float64);
        var (image, classes) = (randn([1, 3, 20, 31], ScalarType.Float64), Map(20, 31));
        using var source = new TensorImageSource(image);
        using var mask = Shapes.ClassMap(classes);

        var (loss, _, counts) = model.Judge(source, mask);

        var target = classes.squeeze(1).to(ScalarType.Int64);
        AssertNear(functional.cross_entropy(trunk.forward(image), target, ignore_index: -100), loss);
        Assert.Equal(Counts(trunk.forward(image), target), counts);
        Assert.Null(model.Head);
    }

    [Fact]
    public void Scores_go_into_a_sink_of_the_images_size()
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Segmenter();
        model.eval();
        var image = randn([1, 3, 45, 50]);
        using var source = new TensorImageSource(image);
        var whole = zeros(1, Classes, 45, 50);
        var rows = 0L;
        using var sink = new RowSink((top, values) =>
        {
            whole.narrow(2, top, values.shape[2]).copy_(values);
            rows += values.shape[2];
        });

        model.Run(source, sink);

        Assert.Equal(45, rows);
        using var grad = no_grad();
        Assert.True(whole.allclose(Scores(model, image), rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void A_mask_of_another_size_and_one_without_labels_are_refused()
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Segmenter();
        using var source = new TensorImageSource(randn([1, 3, 20, 30]));
        using var smaller = Shapes.ClassMap(zeros([1, 1, 20, 29], ScalarType.Int16));

        Assert.Equal(
            "The mask has 20 x 29 pixels (height x width), but its image has 20 x 30; give one of the image's size.",
            Assert.Throws<TrainingException>(() => model.Judge(source, smaller)).Message);
        Assert.Throws<ArgumentException>(() => ImageModel.Step(model, new ClassificationTask(["a", "b"]), Shapes.Samples(1)[0]));
        Assert.Equal(
            "Image 'image 0' has no mask to learn from.",
            Assert.Throws<TrainingException>(
                () => ImageModel.Step(model, Shapes.Task, Shapes.Samples(1)[0] with { OpenMask = null })).Message);
    }

    private static LossOptions? Options(string loss) => loss switch
    {
        "weighted" => new() { ClassWeights = Weights },
        "dice" => new() { Map = MapLossKind.Dice },
        "dice-cross-entropy" => new() { Map = MapLossKind.DiceCrossEntropy, ClassWeights = Weights },
        "focal" => new() { FocalExponent = 2, ClassWeights = Weights },
        _ => null,
    };

    private static Tensor Formula(string loss, Tensor scores, Tensor target) => loss switch
    {
        "weighted" => functional.cross_entropy(scores, target, tensor(Weights), ignore_index: -100),
        "dice" => Dice(scores, target),
        "dice-cross-entropy" => Dice(scores, target) + functional.cross_entropy(scores, target, tensor(Weights), ignore_index: -100),
        "focal" => Focal(scores, target),
        _ => functional.cross_entropy(scores, target, ignore_index: -100),
    };

    private static Tensor Dice(Tensor scores, Tensor target)
    {
        var counted = target.ge(0).to(ScalarType.Float64).unsqueeze(1);
        var truth = functional.one_hot(target.clamp_min(0), Classes).permute(0, 3, 1, 2) * counted;
        var seen = scores.softmax(1) * counted;
        var dice = ((2 * (seen * truth).sum([0, 2, 3])) + 1) / (seen.sum([0, 2, 3]) + truth.sum([0, 2, 3]) + 1);
        return 1 - dice.mean();
    }

    private static Tensor Focal(Tensor scores, Tensor target)
    {
        var labels = target.clamp_min(0);
        var logarithm = scores.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1);
        var losses = -((1 - logarithm.exp()).square() * logarithm * tensor(Weights)[labels]);
        return losses[target.ge(0)].mean();
    }

    private static Tensor Scores(StreamingSegmenter model, Tensor image)
    {
        var head = (Conv2d)model.Head!.named_children().Single().module;
        return functional.interpolate(
            head.forward(model.Trunk.forward(image)), [
                image.shape[2], image.shape[3]
            ], mode: InterpolationMode.Bilinear, align_corners: false);
    }

    private static Tensor Map(int height, int width)
    {
        var classes = randint(0, Classes, [1, 1, height, width], ScalarType.Int16, generator: new Generator(9));
        return classes.masked_fill_(
            randint(0, 5, [1, 1, height, width], ScalarType.Int16, generator: new Generator(4)).eq(0), (long)SegmentationTask.IgnoredClass);
    }

    private static double[] Counts(Tensor scores, Tensor target)
    {
        var counts = new double[Classes * Classes];
        var (predicted, actual) = (scores.argmax(1).flatten().data<long>().ToArray(), target.flatten().data<long>().ToArray());
        foreach (var (truth, said) in actual.Zip(predicted).Where(pair => pair.First >= 0))
            counts[(truth * Classes) + said]++;
        return counts;
    }

    private static Dictionary<string, Tensor> Gradients(StreamingSegmenter model) =>
        model.named_parameters().ToDictionary(one => one.name, one => one.parameter.grad!.clone());

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() < Rounding, $"{expected} instead of {actual}");
    }
}
