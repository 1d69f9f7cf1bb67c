using System.Globalization;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Tests;

/// <summary>A program that loads a run says the same as this one, to the last digit.</summary>
public sealed class ServingTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Predict_predictor_and_saliency_agree()
    {
        var point = new OperatingPoint(OperatingRule.Parse("cost=2")!, [1 - 1e-9, 1e-9]);
        var description = TrainedModel.Description(TrainedModel.Classes) with { Decision = new() { Temperature = 0.02, Point = point } };
        TorchSharp.torch.random.manual_seed(4);
        using (var model = description.Create())
            WeightFile.Save(model, folder.File("best.safetensors"), description.ToMetadata());
        TrainedModel.WriteImages(folder, "data", 3);
        using var predictor = Predictor.Load(folder.Path, new() { Streaming = new() { Tile = (32, 32) } });
        string[] images = [.. Directory.GetFiles(folder.File("data"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

        var lines = new List<string>();
        foreach (var image in images)
            lines.Add((await predictor.PredictAsync(image, cancellation: TestContext.Current.CancellationToken)).ToJson());
        var told = CommandLine.Run(["predict", folder.Path, .. images, "--tile", "32", "--format", "json"]).Output;
        var first = await predictor.PredictAsync(images[0], cancellation: TestContext.Current.CancellationToken);
        var explained = CommandLine.Run("saliency", images[0], "-w", folder.Path, "-o", folder.File("why"), "--tile", "32", "--target", "light");

        Assert.Equal($"[\n  {string.Join(",\n  ", lines)}\n]\n", told);
        Assert.All(lines, line => Assert.Contains("\"predicted\":\"light\"", line));
        Assert.Equal("light", Assert.Single(first.Called));
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $": light {first.Outputs[1].Value:0.0%}."), explained.Output);
        Assert.True(Math.Abs(first.Outputs[1].Value - 0.5) > 0.1, "The temperature makes no difference that could be seen.");
    }
}
