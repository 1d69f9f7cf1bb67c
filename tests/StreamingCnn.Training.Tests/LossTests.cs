using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests;

/// <summary>Other losses are what they are called: compared with libtorch's, and with what is written out by hand.</summary>
public class LossTests
{
    private static readonly ClassificationTask Classes = new(["a", "b", "c"]);
    private static readonly MultiLabelTask Labels = new(["x", "y"]);
    private static readonly RegressionTask Numbers = new(["u", "v"]);

    [Fact]
    public void Without_settings_they_are_the_plain_losses()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        foreach (var (task, sample, outputs) in Cases())
        {
            var scores = randn(1, outputs, dtype: ScalarType.Float64);

            AssertNear(task.Loss(scores, sample).item<double>(), task.Objective(scores, sample, new()).item<double>());
        }
    }

    [Fact]
    public void Smoothing_weights_focus_and_Huber_are_as_published()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var (image, labelled, numbered) = (Is(2), Has(1, 0), Has(0.3, -4));
        var scores = randn(1, 3, dtype: ScalarType.Float64);
        var two = randn(1, 2, dtype: ScalarType.Float64);

        AssertNear(
            functional.cross_entropy(scores, tensor(new long[] { 2 }), label_smoothing: 0.1).item<double>(),
            Classes.Objective(scores, image, new() { LabelSmoothing = 0.1 }).item<double>());
        var probability = scores.softmax(1)[0, 2].item<double>();
        AssertNear(-5 * Math.Pow(1 - probability, 2) * Math.Log(probability),
            Classes.Objective(scores, image, new() { FocalExponent = 2, ClassWeights = [1, 3, 5] }).item<double>());
        AssertNear(
            functional.binary_cross_entropy_with_logits(two, tensor(new double[] { 1, 0 }, [1, 2]),
                pos_weights: tensor(new double[] { 3, 7 })).item<double>(),
            Labels.Objective(two, labelled, new() { ClassWeights = [3, 7] }).item<double>());
        var yes = two.sigmoid().data<double>().ToArray();
        AssertNear(
            -((Math.Pow(1 - yes[0], 2) * Math.Log(yes[0])) + (Math.Pow(yes[1], 2) * Math.Log(1 - yes[1]))) / 2,
            Labels.Objective(two, labelled, new() { FocalExponent = 2 }).item<double>());
        AssertNear(
            functional.huber_loss(two, tensor(new[] { 0.3, -4 }, [1, 2]), delta: 0.7).item<double>(),
            Numbers.Objective(two, numbered, new() { HuberDistance = 0.7 }).item<double>());
    }

    /// <summary>Written out: of each boundary, the logarithm of the probability of being on the right side of it.</summary>
    [Fact]
    public void The_loss_of_ordinal_classes_adds_up_over_boundaries()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var four = new ClassificationTask(["0", "1", "2", "3"], isOrdered: true);
        var scores = (randn(1, 4, dtype: ScalarType.Float64) * tensor(3.0)).requires_grad_(true);
        var p = scores.softmax(1).data<double>().ToArray();
        var ordinal = new LossOptions { IsOrdinal = true, ClassWeights = [1, 1, 2, 1] };

        var loss = four.Objective(scores, Is(2), ordinal);

        AssertNear(-2 * (Math.Log(p[1] + p[2] + p[3]) + Math.Log(p[2] + p[3]) + Math.Log(p[0] + p[1] + p[2])), loss.item<double>());
        loss.backward();
        Assert.True(scores.grad!.isfinite().all().item<bool>());
        // Of two classes it is the cross-entropy.
        var two = randn(1, 2, dtype: ScalarType.Float64);
        AssertNear(Two.Loss(two, Is(1)).item<double>(), Two.Objective(two, Is(1), new() { IsOrdinal = true }).item<double>());
        // To be further off costs more, where cross-entropy is the same.
        double Of(params double[] values) => four.Objective(tensor(values, [1, 4]), Is(0), new() { IsOrdinal = true }).item<double>();
        Assert.True(Of(0, 4, 0, 0) < Of(0, 0, 4, 0) && Of(0, 0, 4, 0) < Of(0, 0, 0, 4));
        // Large scores do not overflow.
        Assert.True(double.IsFinite(Of(-900, 0, 0, 900)));
        Assert.Equal(
            "The loss cannot be used: focal loss and label smoothing are of cross-entropy, and not of ordinal classes.",
            Assert.Throws<ArgumentException>(() => new LossOptions { IsOrdinal = true, FocalExponent = 2 }.Check(four)).Message);
        Assert.Throws<ArgumentException>(() => new LossOptions { IsOrdinal = true }.Check(Labels));
    }

    [Fact]
    public void Balanced_weights_let_classes_count_the_same()
    {
        TrainingSample[] samples = [.. new[] { 0, 0, 0, 1 }.Select(label => Is(label))];

        Assert.Equal([4.0 / 9, 4.0 / 3, 1], LossOptions.BalancedWeights(Classes, samples));
        Assert.Equal([3, 1], LossOptions.BalancedWeights(Labels, [Has(1, 1), Has(0, 1), Has(0, 1), Has(0, 1)]));
    }

    /// <summary>An image that counts twice moves the weights as two of it do, and one that counts 0 as none.</summary>
    [Fact]
    public void A_weight_is_how_often_an_image_counts()
    {
        using var scope = NewDisposeScope();
        var image = Samples.Brightness(1)[0];
        using var model = Samples.Classifier();
        model.eval();

        double[] Gradient(params TrainingSample[] samples)
        {
            model.zero_grad();
            foreach (var sample in samples)
                ImageModel.Step(model, Two, sample, batch: 2);
            return [.. model.parameters().SelectMany(one => one.grad!.to(ScalarType.Float64).flatten().data<double>().ToArray())];
        }

        Assert.Equal(Gradient(image, image), Gradient(image with { Weight = 2 }), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.All(Gradient(image with { Weight = 0 }), value => Assert.Equal(0, value));
    }

    [Fact]
    public void What_is_learned_by_changes_the_weights_and_not_what_is_shown()
    {
        var samples = Samples.Brightness(6);
        (double Loss, double Weight) First(LossOptions? loss)
        {
            using var model = Samples.Classifier();
            using var trainer = new Trainer(model, Two, new() { Epochs = 1, BatchSize = 6, Loss = loss });
            var epoch = trainer.Fit(samples, []).Single();
            return (epoch.Training.Loss, model.parameters().First().sum().item<float>());
        }

        var (plain, other) = (First(null), First(new() { FocalExponent = 2, ClassWeights = [1, 4] }));

        Assert.Equal(plain.Loss, other.Loss);
        Assert.NotEqual(plain.Weight, other.Weight);
        Assert.StartsWith("The loss cannot be used: the Huber loss is of numbers;",
            Assert.Throws<ArgumentException>(() => First(new() { HuberDistance = 1, ClassWeights = [1] })).Message);
    }

    private static ClassificationTask Two { get; } = new(["a", "b"]);

    private static IEnumerable<(ScoredTask Task, TrainingSample Sample, int Outputs)> Cases() =>
        [(Classes, Is(1), 3), (Labels, Has(0, 1), 2), (Numbers, Has(2, -3), 2)];

    private static TrainingSample Is(int label) => new("", label, _ => null!);

    private static TrainingSample Has(params double[] targets) => new("", -1, _ => null!) { Targets = targets };

    private static void AssertNear(double expected, double actual) => Assert.Equal(expected, actual, 1e-9);
}
