using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Serving;

/// <summary>The folder of a run as training leaves it, with random weights, and images to go with it.</summary>
internal sealed class KeptModel : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public KeptModel(LearningTask task, DecisionRule? decision = null, HeadPooling pooling = HeadPooling.Average)
    {
        random.manual_seed(4);
        Description = new()
        {
            Trunk = "small",
            Task = task,
            Pooling = pooling,
            Preparation = new ImagePreparation { Channels = 3 },
            Decision = decision ?? DecisionRule.None,
        };
        Directory.CreateDirectory(Run);
        using var model = Description.CreateModel();
        WeightFile.Save(model, new RunFolder(Run).BestWeights, Description.ToMetadata());
    }

    public ModelDescription Description { get; }

    public string Run => File("run");

    public string File(string name) => folder.File(name);

    public string[] Files => [.. Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(folder.Path, path)).Order(StringComparer.Ordinal)];

    /// <summary>Writes an image of noise.</summary>
    public string Image(string name, int height, int width)
    {
        using var scope = NewDisposeScope();
        using var image = new TensorImageSource((rand(3, height, width) * 255).to(ScalarType.Byte));
        ImageFile.Write(image, File(name));
        return File(name);
    }

    public void Dispose() => folder.Dispose();
}

/// <summary>Runs something at every tile, on the thread that tells of it.</summary>
internal sealed class AtTiles(Action<TileProgress> look) : IProgress<TileProgress>
{
    public void Report(TileProgress value) => look(value);
}
