using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Runs;

/// <summary>A file of weights says how its network normalises.</summary>
public sealed class ModelDescriptionTests
{
    [Theory]
    [InlineData(NormKind.Frozen, false)]
    [InlineData(NormKind.Batch, true)]
    public void The_norm_comes_back_with_the_weights(NormKind norm, bool isWritten)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var written = new ModelDescription
        {
            Trunk = "mobilenetv3-small",
            Norm = norm,
            Task = LearningTask.Create("classes", ["a", "b"]),
            Pooling = HeadPooling.Average,
            Preparation = new() { Channels = 1 },
        };
        using var model = written.Create();
        WeightFile.Save(model, folder.File("weights.safetensors"), written.ToMetadata());

        var (read, description) = ModelDescription.Load(folder.File("weights.safetensors"));

        Assert.Equal(norm, description.Norm);
        // Runs from before there was a choice go on.
        Assert.Equal(isWritten, written.ToMetadata().ContainsKey("norm"));
        Assert.Equal(written.Trunk, description.Trunk);
        Assert.NotEmpty(read.Features.Trunk.modules().OfType<BatchNorm2d>());
        read.Dispose();
    }

    [Theory]
    [InlineData("5")]
    [InlineData("Layer")]
    public void A_norm_that_there_is_not_is_no_description(string norm)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var written = new ModelDescription
        {
            Trunk = "mobilenetv3-small",
            Task = LearningTask.Create("classes", ["a", "b"]),
            Pooling = HeadPooling.Average,
            Preparation = new() { Channels = 1 },
        };
        using var model = written.Create();
        var metadata = new Dictionary<string, string>(written.ToMetadata()) { ["norm"] = norm };
        WeightFile.Save(model, folder.File("weights.safetensors"), metadata);

        var failure = Assert.Throws<WeightFileException>(() => ModelDescription.Load(folder.File("weights.safetensors")));

        Assert.Contains("does not describe the model", failure.Message, StringComparison.Ordinal);
    }
}
