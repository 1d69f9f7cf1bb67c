using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Runs;

/// <summary>A module of TorchScript under the trainer, with a head behind it, on overlapping tiles.</summary>
public sealed class ScriptedTrunkTests : IDisposable
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_script_learns_with_a_head_and_goes_on_from_a_checkpoint()
    {
        var options = new TrainingOptions
        {
            Epochs = 2,
            BatchSize = 2,
            LearningRate = 0.01,
            Checkpoint = folder.File("checkpoint"),
        };
        using var model = Classifier();
        var before = model.Trunk.parameters().Select(parameter => parameter.clone()).ToArray();
        using var trainer = new Trainer(model, Classes, options);
        var epochs = trainer.Fit(Samples.Brightness(8), Samples.Brightness(6, 100)).ToArray();
        Assert.True(epochs[^1].Training.Loss < epochs[0].Training.Loss, $"{epochs[0].Training.Loss} to {epochs[^1].Training.Loss}");
        Assert.All(model.Trunk.parameters().Zip(before), pair => Assert.False(pair.First.allclose(pair.Second)));

        using var again = Classifier();
        using var resumed = new Trainer(again, Classes, options with { Epochs = 3 });
        resumed.Resume();
        Assert.Equal(trainer.History, resumed.History);
        foreach (var (name, value) in again.state_dict())
            Assert.True(value.bytes.SequenceEqual(model.state_dict()[name].bytes), name);
        Assert.Single(resumed.Fit(Samples.Brightness(8), Samples.Brightness(6, 100)));
    }

    [Fact]
    public void Its_weights_are_saved_and_loaded_into_the_same_script()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Classifier();
        foreach (var parameter in model.Trunk.parameters())
            parameter.add_(rand_like(parameter));
        WeightFile.Save(model.Trunk, folder.File("trunk.safetensors"));
        using var again = Classifier();
        WeightFile.Load(again.Trunk, folder.File("trunk.safetensors"));
        var image = randn(1, 3, 40, 50);
        var (expected, other) = (model.Trunk.forward(image), again.Trunk.forward(image));
        Assert.True(expected.eq(other).all().item<bool>());
        Assert.Contains("norm.running_mean", WeightFile.Read(folder.File("trunk.safetensors")).Keys);
    }

    private static StreamingClassifier Classifier()
    {
        manual_seed(2);
        var trunk = ScriptedTrunk.Load(Path.Combine(AppContext.BaseDirectory, "Files", "trunk.pt"), staysInEvaluation: true);
        return new(trunk, 2, new() { Mode = StreamingMode.Overlap, Tile = (32, 32) }, channels: 4);
    }
}
