using StreamingCnn.Distributed.Threads;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>Several processes share images with masks as they share others.</summary>
[Collection(nameof(Alone))]
public class RankedSegmentationTests
{
    [Fact]
    public void Losses_and_counts_are_those_of_one_process()
    {
        var (alone, shared) = (Train(1), Train(2));
        foreach (var (one, other) in alone.Zip(shared))
        {
            Assert.Equal(one.Training.Loss, other.Training.Loss, 9);
            Assert.Equal(one.Validation!.Loss, other.Validation!.Loss, 9);
            Assert.Equal((one.Training.Score, one.Validation.Score), (other.Training.Score, other.Validation.Score));
        }
    }

    private static IReadOnlyList<EpochResult> Train(int count)
    {
        var models = Enumerable.Range(0, count).Select(_ => (StreamingSegmenter)Shapes.Segmenter().to(ScalarType.Float64)).ToArray();
        var histories = new IReadOnlyList<EpochResult>[count];
        ThreadRanks.Run(count, ranks =>
        {
            using var trainer = new Trainer(
                models[ranks.Rank],
                Shapes.Task,
                new() { Epochs = 2, BatchSize = 3, LearningRate = 0.01, Loss = new() { ClassWeights = [1, 2, 2] } },
                ranks);
            _ = trainer.Fit(Shapes.Samples(4), Shapes.Samples(2, 100)).ToArray();
            histories[ranks.Rank] = trainer.History;
        });
        foreach (var model in models)
            model.Dispose();
        return histories[0];
    }
}
