using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary>Attention with a loss of instances, from training to prediction.</summary>
public sealed class InstancesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public InstancesTests() => TrainedModel.WriteImages(folder, "data", 8);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_model_with_instances_is_trained_resumed_and_used()
    {
        var run = CommandLine.Run(
            "train", folder.File("data"), "--tile", "32", "--epochs", "1", "--validation", "0.5", "--pooling", "attention",
            "--instance-loss", "0.3", "--instances", "4", "-o", folder.File("run"));
        Assert.Equal("", run.Errors);
        Assert.Equal("4", Safetensors.ReadMetadata(folder.File("run/best.safetensors"))["instances"]);
        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2").Errors);
        Assert.Equal("", CommandLine.Run("predict", folder.File("run"), folder.File("data"), "--tile", "32").Errors);
        var shown = CommandLine.Run(
            "saliency", folder.File("data/dark/0.npy"), "-w", folder.File("run"), "--tile", "32", "--method", "attention", "--percentile",
            "90", "-o", folder.File("maps"));
        Assert.Equal("", shown.Errors);
        // Where it looks, as outlines for other programs.
        Assert.Contains("\"Polygon\"", File.ReadAllText(folder.File("maps/0.regions.geojson")), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_attention_it_is_refused()
    {
        CommandLine.Run("train", folder.File("data"), "--instance-loss", "0.3", "-o", folder.File("no")).IsRefused(
            "--instance-loss is of --task classes with --pooling attention, which picks instances; leave it out, or choose those.");
        CommandLine.Run("train", folder.File("data"), "--pooling", "attention", "--instances", "3", "-o", folder.File("no")).IsRefused(
            "--instances is of --instance-loss alone; leave it out, or write a share such as --instance-loss 0.3.");
    }
}
