using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests;

/// <summary>Networks that look at whole maps are trained, interrupted, resumed, judged and explained as others are.</summary>
public class NormedTrainingTests
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    [Theory]
    [InlineData("mobilenetv3-small", NormKind.Batch, HeadPooling.Attention)]
    [InlineData("mobilenetv3-small", NormKind.Group, HeadPooling.LogSumExp)]
    [InlineData("mobilenetv3-small", NormKind.Instance, HeadPooling.TopK)]
    public void From_the_first_step_to_the_map(string model, NormKind norm, HeadPooling pooling)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var options = new TrainingOptions
        {
            Epochs = 2,
            BatchSize = 2,
            WeightAverage = 0.9,
            FrozenEpochs = 1,
            Checkpoint = folder.File("checkpoint"),
        };
        var description = new ModelDescription
        {
            Trunk = model,
            Norm = norm,
            Task = Classes,
            Pooling = pooling,
            PoolingNumber = pooling == HeadPooling.TopK ? 2 : null,
            Dropout = 0.2,
            Preparation = new ImagePreparation { Channels = 3 },
        };
        using var expected = Trained(description, options with { Checkpoint = null });

        // In the second epoch, within a batch.
        using (var first = New(description))
        using (var trainer = new Trainer(first, Classes, options))
        {
            using var stop = new CancellationTokenSource();
            _ = trainer.Fit(Images(3), Images(2), new Stop(4, stop), stop.Token).ToArray();
        }

        manual_seed(99);
        using var second = New(description);
        using var resumed = new Trainer(second, Classes, options);
        resumed.Resume();
        _ = resumed.Fit(Images(3), Images(2)).ToArray();

        foreach (var ((name, value), (_, whole)) in second.state_dict().Zip(expected.state_dict()))
            Assert.True(value.bytes.SequenceEqual(whole.bytes), name);
        foreach (var module in second.modules().OfType<BatchNorm2d>())
            Assert.True(module.running_mean!.count_nonzero().item<long>() > 0);

        resumed.SaveWeights(folder.File("weights.safetensors"), description.ToMetadata());
        var judged = resumed.Predict(Images(2));
        var (read, readDescription) = ModelDescription.Load(folder.File("weights.safetensors"), Options(norm));
        using (read)
        {
            Assert.Equal((norm, description.PoolingNumber ?? PoolingHead.DefaultNumber(pooling)), (readDescription.Norm, read.Head.Number));
            var predicted = ImageModel.Predict(read, Classes, Images(2));
            Assert.Equal(judged.Select(one => one.Loss), predicted.Select(one => one.Loss));

            // Images are judged with running statistics, as the whole network judges them.
            using var image = Images(2)[1].Open(0);
            var scores = read.Head.forward(read.Features.Trunk.forward(image.Read(0, 0, image.Height, image.Width)));
            Assert.Equal(scores.softmax(1)[0, 1].item<float>(), predicted[1].Values[1], 1e-4);
            foreach (var method in new[] { SaliencyMethod.Gradient, SaliencyMethod.ClassActivation })
            {
                using var map = SaliencyMap.Compute(read, image, new() { Method = method, Blur = 0, TemporaryFolder = folder.Path });
                Assert.True(map.ReadRaw(0, 0, map.Height, map.Width).count_nonzero().item<long>() > 0);
            }
        }
    }

    [Fact]
    public void Names_of_weights_are_those_of_models_that_were_written_before()
    {
        using var model = Samples.Classifier(pooling: HeadPooling.Attention);
        Assert.Equal(
            [
                "features.trunk.conv1.weight", "features.trunk.conv1.bias", "features.trunk.conv2.weight", "features.trunk.conv2.bias",
                "head.attentionV.weight", "head.attentionV.bias", "head.attentionU.weight", "head.attentionU.bias",
                "head.attentionWeight.weight", "head.attentionWeight.bias", "head.classifier.weight", "head.classifier.bias",
            ],
            model.state_dict().Keys);
    }

    private static StreamingClassifier New(ModelDescription description)
    {
        manual_seed(3);
        return description.Create(Options(description.Norm));
    }

    private static StreamingOptions Options(NormKind norm) => new() { Tile = (40, 40), FrozenBatchNorm = norm == NormKind.Frozen };

    private static StreamingClassifier Trained(ModelDescription description, TrainingOptions options)
    {
        var model = New(description);
        using var trainer = new Trainer(model, Classes, options);
        _ = trainer.Fit(Images(3), Images(2)).ToArray();
        return model;
    }

    private static TrainingSample[] Images(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => new TrainingSample($"image {i}", i % 2, _ => Image(i))),
    ];

    private static TensorImageSource Image(int number) =>
        new(rand([1, 3, 65 + number, 70], generator: new Generator((ulong)number)).add_(number % 2));

    private sealed class Stop(int images, CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        private int seen;

        public void Report(TrainingProgress value)
        {
            if (++seen == images)
                source.Cancel();
        }
    }
}
