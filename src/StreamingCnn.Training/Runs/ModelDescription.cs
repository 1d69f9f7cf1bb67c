using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Runs;

/// <summary>All that is needed to use a file of weights; it stands in the file's own header.</summary>
public sealed record ModelDescription
{
    /// <summary>Name of the trunk, as <see cref="TrunkSource"/> reads it.</summary>
    public required string Trunk { get; init; }

    /// <summary>What the outputs mean.</summary>
    public required LearningTask Task { get; init; }

    /// <summary>How the head pools.</summary>
    public required HeadPooling Pooling { get; init; }

    /// <summary>How image files become what the network sees.</summary>
    public required ImagePreparation Preparation { get; init; }

    /// <summary>Share of the pooled features that the head drops in training.</summary>
    /// <value>The default value is 0.</value>
    public double Dropout { get; init; }

    /// <summary>Makes the model with fresh weights.</summary>
    /// <param name="options">How it is streamed; null for the defaults.</param>
    public StreamingClassifier Create(StreamingOptions? options = null)
    {
        var trunk = TrunkSource.Create(Trunk, Preparation.Channels);
        return new(trunk, Task.Outputs.Count, options, Pooling, Dropout, TrunkSource.OutputChannels(trunk, Preparation.Channels));
    }

    /// <summary>Makes the model that a file of weights describes, and loads them.</summary>
    /// <param name="path">A file that a run wrote.</param>
    /// <param name="options">How it is to be streamed; null for the defaults.</param>
    /// <exception cref="WeightFileException">The file cannot be read, describes no model, or does not fit it.</exception>
    public static (StreamingClassifier Model, ModelDescription Description) Load(string path, StreamingOptions? options = null)
    {
        var description = FromMetadata(path, Safetensors.ReadMetadata(path));
        var model = description.Create(options);
        try
        {
            WeightFile.Load(model, path);
            return (model, description);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The description as text by name.</summary>
    public IReadOnlyDictionary<string, string> ToMetadata() => new Dictionary<string, string>(Preparation.ToMetadata())
    {
        ["model"] = Trunk,
        ["task"] = Task.Kind,
        ["outputs"] = string.Join('\n', Task.Outputs),
        ["pooling"] = Pooling.ToString(),
    };

    private static ModelDescription FromMetadata(string path, OrderedDictionary<string, string> metadata)
    {
        try
        {
            return new()
            {
                Trunk = metadata["model"],
                Task = LearningTask.Create(metadata["task"], metadata["outputs"].Split('\n')),
                Pooling = Enum.Parse<HeadPooling>(metadata["pooling"]),
                Preparation = ImagePreparation.FromMetadata(metadata),
            };
        }
        catch (Exception reason) when (reason is KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new WeightFileException($"'{path}' does not describe the model that its weights are for; give a file that training wrote, such as best.safetensors of a run.", reason);
        }
    }
}
