using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Files of weights as training writes them, and images to go with them.</summary>
internal static class TrainedModel
{
    public static readonly LearningTask Classes = new ClassificationTask(["dark", "light"]);

    public static ModelDescription Description(LearningTask task) => new()
    {
        Trunk = "small",
        Task = task,
        Pooling = HeadPooling.Average,
        Preparation = new ImagePreparation { Channels = 3 },
    };

    /// <summary>Writes a model with random weights; the caller disposes it.</summary>
    public static StreamingClassifier Write(string path, LearningTask task)
    {
        manual_seed(4);
        var description = Description(task);
        var model = description.Create();
        WeightFile.Save(model, path, description.ToMetadata());
        return model;
    }

    /// <summary>Writes a model with random weights that gives maps of three classes.</summary>
    public static void WriteMaps(string path)
    {
        manual_seed(4);
        var description = Description(new SegmentationTask(["ground", "roof", "road"]));
        using var model = description.CreateModel();
        WeightFile.Save(model, path, description.ToMetadata());
    }

    /// <summary>Writes images of noise, every second one light.</summary>
    public static void WriteImages(TemporaryFolder folder, string under, int count)
    {
        manual_seed(count);
        for (var i = 0; i < count; i++)
            NumpyFile.Write(
                folder.Write($"{under}/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy", ""),
                ((rand(70 + i, 60, 3) * 100) + (i % 2 * 150)).to(ScalarType.Byte));
    }
}
