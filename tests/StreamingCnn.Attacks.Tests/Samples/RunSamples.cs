using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>What a run writes: weights with a description, and checkpoints.</summary>
internal static class RunSamples
{
    private static readonly ClassificationTask Task = new(["dark", "light"]);

    public static IReadOnlyList<Sample> Weights()
    {
        manual_seed(1);
        var description = new ModelDescription
        {
            Trunk = "small",
            Task = Task,
            Pooling = HeadPooling.Average,
            Preparation = new ImagePreparation { Channels = 3 },
        };
        using var model = description.Create();
        const string Path = "model.safetensors";
        WeightFile.Save(model, Path, description.ToMetadata());
        return WithHeader(Path);
    }

    public static IReadOnlyList<Sample> Checkpoints()
    {
        const string Path = "sound.checkpoint.safetensors";
        using var model = Classifier();
        using var trainer = new Trainer(model, Task, Options(Path));
        _ = trainer.Fit(Images, Images[..2]).ToArray();
        return WithHeader(Path);
    }

    /// <summary>Goes on with a run.</summary>
    public static void Resume(string checkpoint)
    {
        using var scope = NewDisposeScope();
        using var model = Classifier();
        using var trainer = new Trainer(model, Task, Options(checkpoint));
        trainer.Resume();
    }

    private static TrainingOptions Options(string checkpoint) => new() { Epochs = 1, BatchSize = 2, Checkpoint = checkpoint };

    private static StreamingClassifier Classifier()
    {
        manual_seed(7);
        return new(
            Sequential(("conv", Conv2d(3, 4, 3, padding: 1)), ("act", ReLU())),
            2,
            new StreamingOptions { Tile = (16, 16) },
            HeadPooling.Average);
    }

    private static TrainingSample[] Images =>
    [
        .. Enumerable.Range(0, 4).Select(i =>
            new TrainingSample($"image {i}", i % 2, _ => new TensorImageSource(full([1, 3, 16, 16], (float)(i % 2))))
            {
                Targets = [i % 2],
            }),
    ];

    /// <summary>
    /// The whole file, and without its checksum, which would find all damage before anything else does: as a whole, and
    /// the header alone with a length that fits.
    /// </summary>
    private static IReadOnlyList<Sample> WithHeader(string path)
    {
        var sound = File.ReadAllBytes(path);
        var bytes = sound.ToArray();
        "another name"u8.CopyTo(bytes.AsSpan(bytes.AsSpan().IndexOf("streamingcnn.crc32c"u8)));
        var end = 8 + (int)BitConverter.ToInt64(bytes);
        return
        [
            new("sound.safetensors", sound),
            new("whole.safetensors", bytes),
            new("header.safetensors", bytes[8..end], header => [.. BitConverter.GetBytes((long)header.Length), .. header, .. bytes[end..]]),
        ];
    }
}
