using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Runs;

/// <summary>Trained models for other programs.</summary>
public sealed class ModelExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("resnet18")]
    [InlineData("small")]
    public void Weights_have_the_names_of_the_published_network(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        manual_seed(3);
        var description = Description(name, HeadPooling.Average);
        using var model = description.Create();
        model.eval();
        ModelExport.WriteWeights(model, description, folder.File("weights.safetensors"));

        using var published = new NetworkClassifier(ModelCatalog.Create(name), 3);
        WeightFile.Load(published, folder.File("weights.safetensors"));
        published.eval();
        var image = randn(1, 3, 64, 80);
        var expected = model.forward(image);
        Assert.InRange((published.forward(image) - expected).abs().max().item<float>() / expected.abs().max().item<float>(), 0, 1e-5);
        Assert.Equal("cat\ndog\nbird", Safetensors.ReadMetadata(folder.File("weights.safetensors"))["outputs"]);
    }

    [Theory]
    [InlineData("small", HeadPooling.Max)]
    [InlineData("convnextv2-atto", HeadPooling.Average)]
    public void A_head_that_no_published_network_has_keeps_its_name(string name, HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        var description = Description(name, pooling);
        using var model = description.Create();
        ModelExport.WriteWeights(model, description, folder.File("weights.safetensors"));
        Assert.Contains("head.classifier.weight", WeightFile.Read(folder.File("weights.safetensors")).Keys);
    }

    [Theory]
    [InlineData(HeadPooling.LogSumExp)]
    [InlineData(HeadPooling.GeM)]
    [InlineData(HeadPooling.TopK)]
    [InlineData(HeadPooling.Attention)]
    [InlineData(HeadPooling.Max)]
    public void Every_head_goes_out_as_ONNX_and_comes_back(HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        manual_seed(4);
        var description = Description("small", pooling);
        using var model = description.Create();
        model.eval();
        ModelExport.Write(model, description, folder.File("model.onnx"));
        using var again = OnnxNetwork.Load(folder.File("model.onnx"));
        var image = randn(2, 3, 96, 80);
        var expected = model.forward(image);
        Assert.InRange((again.forward(image) - expected).abs().max().item<float>() / expected.abs().max().item<float>(), 0, 1e-5);
    }

    [Theory]
    [InlineData("small")]
    [InlineData("fpn-mobilenetv3-large")]
    public void A_model_that_scores_pixels_goes_out_for_images_of_any_size(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        manual_seed(5);
        var description = Description(name, HeadPooling.Average) with { Task = new SegmentationTask(["ground", "disc"], [0, 1]) };
        using var model = description.CreateModel();
        model.eval();
        ModelExport.Write(model, description, folder.File("model.onnx"));
        ModelExport.WriteWeights(model, description, folder.File("weights.safetensors"));
        using var again = OnnxNetwork.Load(folder.File("model.onnx"));
        foreach (var (rows, columns) in ((long, long)[])[(96, 80), (75, 131)])
        {
            var image = randn(1, 3, rows, columns);
            var expected = model.forward(image);
            var found = again.forward(image);
            Assert.Equal([1, 2, rows, columns], found.shape);
            Assert.InRange((found - expected).abs().max().item<float>() / expected.abs().max().item<float>(), 0, 1e-5);
        }

        Assert.Equal(
            model.parameters().Sum(parameter => parameter.numel()),
            again.parameters().Sum(parameter => parameter.numel()));
        Assert.Contains(
            name == "small" ? "head.classifier.weight" : "classifier.weight",
            WeightFile.Read(folder.File("weights.safetensors")).Keys);
    }

    private static ModelDescription Description(string name, HeadPooling pooling) => new()
    {
        Trunk = name,
        Task = new ClassificationTask(["cat", "dog", "bird"]),
        Pooling = pooling,
        Preparation = new ImagePreparation { Channels = 3 },
    };
}
