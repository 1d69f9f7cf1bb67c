using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx;
using StreamingCnn.Testing;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Runs;

/// <summary>A trunk from a file of ONNX: its weights say all that is needed to use them, when the file is gone.</summary>
public sealed class ImportedTrunkTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string file;

    public ImportedTrunkTests()
    {
        file = folder.File("net.onnx");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Files", "residual.onnx"), file);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_a_trunk_with_the_weights_that_it_has()
    {
        using var trunk = Assert.IsType<OnnxTrunk>(TrunkSource.Create(file, 3));
        Assert.Equal(trunk.OutputChannels, TrunkSource.OutputChannels(trunk, 3));
        Assert.Contains("stem.0.weight", trunk.state_dict().Keys);
        Assert.DoesNotContain("fc.weight", trunk.state_dict().Keys);
    }

    [Fact]
    public void Other_channels_and_norms_are_refused()
    {
        Assert.Contains(
            "--channels 3", Assert.Throws<ArgumentException>(() => TrunkSource.Create(file, 1)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "norms of its own",
            Assert.Throws<ArgumentException>(() => TrunkSource.Create(file, 3, Models.NormKind.Group)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_are_used_without_the_file()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var description = new ModelDescription
        {
            Trunk = file,
            Task = new ClassificationTask(["no", "yes"]),
            Pooling = HeadPooling.Max,
            Preparation = new ImagePreparation { Channels = 3 },
        };
        using var model = description.Create(new StreamingOptions { Tile = (32, 32) });
        var structure = ((OnnxTrunk)model.Features.Trunk).Structure();
        var weights = folder.File("best.safetensors");
        WeightFile.Save(model, weights, (description with { Structure = Convert.ToBase64String(structure) }).ToMetadata());
        File.Delete(file);

        var (again, read) = ModelDescription.Load(weights, new StreamingOptions { Tile = (32, 32) });
        using (again)
        {
            Assert.Equal(file, read.Trunk);
            model.eval();
            again.eval();
            var image = rand(1, 3, 70, 90);
            Assert.Equal(0, (model.forward(image) - again.forward(image)).abs().max().ToDouble());
        }
    }
}
