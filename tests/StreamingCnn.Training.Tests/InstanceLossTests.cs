using StreamingCnn.Imaging;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests;

/// <summary>The loss of the instances that attention picks: streamed as of whole maps, and as it is written out by hand.</summary>
public class InstanceLossTests
{
    private const int Instances = 3;

    [Theory]
    [InlineData(2, 16)]
    [InlineData(3, 16)]
    [InlineData(3, 1000)]
    public void Streamed_it_is_what_it_is_of_the_whole_map(int classes, int tile)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var trunk = Sequential(("conv1", Conv2d(3, 6, 3, stride: 2)), ("act", Tanh()), ("conv2", Conv2d(6, 8, 3)));
        using var model = new StreamingClassifier(
            trunk, classes, new() { Tile = (tile, tile) }, HeadPooling.Attention, instances: Instances);
        model.to(ScalarType.Float64);
        var task = new ClassificationTask([.. Enumerable.Range(0, classes).Select(one => $"{one}")]);
        var image = randn(1, 3, 45, 52, dtype: ScalarType.Float64);
        var sample = new TrainingSample("x", classes - 1, _ => null!);
        var options = new LossOptions { InstanceShare = 0.3 };

        using var source = new TensorImageSource(image);
        var judged = model.Judge(task, sample, source, null, options);
        judged.Learned!.backward();
        var gradients = model.named_parameters().ToDictionary(one => one.name, one => one.parameter.grad!.clone());
        model.zero_grad();
        var (expected, scores) = Whole(model, trunk, image, task, sample);
        expected.backward();

        Assert.Equal(expected.item<double>(), judged.Learned.item<double>(), 1e-10);
        Assert.Equal(task.Loss(scores, sample).item<double>(), judged.Loss.item<double>(), 1e-10);
        foreach (var (name, parameter) in model.named_parameters())
        {
            var (streamed, whole) = (gradients[name], parameter.grad!);
            // The attention's last bias moves all scores alike.
            Assert.True((streamed - whole).abs().max().item<double>() < 1e-10 * (1 + whole.abs().max().item<double>()), name);
            Assert.True(name.EndsWith("attentionWeight.bias", StringComparison.Ordinal) || whole.abs().max().item<double>() > 0, name);
        }
    }

    [Fact]
    public void A_model_learns_by_it_and_is_used_without_it()
    {
        var task = new ClassificationTask(["dark", "light"]);
        manual_seed(7);
        var trunk = Sequential(Conv2d(3, 6, 3, stride: 2, padding: 1), ReLU(), Conv2d(6, 8, 3, padding: 1), ReLU());
        using var model = new StreamingClassifier(trunk, 2, new() { Tile = (16, 16) }, HeadPooling.Attention, instances: 4);
        using var trainer = new Trainer(
            model, task, new() { Epochs = 8, BatchSize = 2, LearningRate = 0.01, Loss = new() { InstanceShare = 0.3 } });

        var epochs = trainer.Fit(Samples.Brightness(12), Samples.Brightness(8, 100)).ToArray();

        Assert.Equal(1, epochs[^1].Validation!.Score);
        // What is shown is the loss of images alone.
        Assert.True(epochs[^1].Training.Loss < 0.7 * epochs[0].Training.Loss);
    }

    [Fact]
    public void What_has_no_instances_is_refused()
    {
        using var model = Samples.Classifier(pooling: HeadPooling.Attention);
        using var trainer = new Trainer(
            model, new ClassificationTask(["a", "b"]), new() { Epochs = 1, Loss = new() { InstanceShare = 0.3 } });
        Assert.Contains(
            "the model was made without instances", Assert.Throws<ArgumentException>(() => trainer.Fit(Samples.Brightness(2), []).ToArray()).Message);
        Assert.Contains(
            "Max pooling has no attention that would pick them",
            Assert.Throws<ArgumentException>(() => new PoolingHead(4, 2, HeadPooling.Max, instances: 2)).Message);
        Assert.Throws<ArgumentException>(() => new LossOptions { InstanceShare = 0.3 }.Check(new RegressionTask(["x"])));
        Assert.Throws<ArgumentException>(() => new LossOptions { InstanceShare = 1 }.Check(new ClassificationTask(["a", "b"])));
    }

    private static (Tensor Learned, Tensor Scores) Whole(
        StreamingClassifier model, Module<Tensor, Tensor> trunk, Tensor image, ClassificationTask task, TrainingSample sample)
    {
        var parts = model.Head.named_parameters().ToDictionary(one => one.name, one => (Tensor)one.parameter);
        Tensor Linear(Tensor input, string name) => input.matmul(parts[$"{name}.weight"].t()) + parts[$"{name}.bias"];
        var positions = trunk.forward(image)[0].flatten(1).t();
        var attention = Linear(Linear(positions, "attentionV").tanh() * Linear(positions, "attentionU").sigmoid(), "attentionWeight");
        var scores = Linear((attention.softmax(0) * positions).sum(0, keepdim: true), "classifier");
        var judged = Linear(positions, "instanceClassifier");
        var most = judged.index_select(0, attention[TensorIndex.Colon, 0].topk(Instances).indexes);
        var least = judged.index_select(0, attention[TensorIndex.Colon, 0].topk(Instances, largest: false).indexes);
        Tensor Loss(Tensor instances, int label, int answer) => functional.cross_entropy(
            instances.narrow(1, 2 * label, 2), full(instances.shape[0], answer, dtype: ScalarType.Int64));
        var classes = task.Outputs.Count;
        var instances = (Loss(most, sample.Label, 1) + Loss(least, sample.Label, 0)) / 2;
        if (classes > 2)
        {
            for (var other = 0; other < classes - 1; other++)
                instances = instances + Loss(most, other, 0);
            instances = instances / classes;
        }

        return ((task.Loss(scores, sample) * 0.7) + (instances * 0.3), scores);
    }
}
