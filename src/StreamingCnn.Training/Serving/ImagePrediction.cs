using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Serving;

/// <summary>What a trained model says of one image: the same numbers and the same choice that <c>scnn predict</c> writes.</summary>
public sealed class ImagePrediction
{
    private readonly LearningTask task;
    private readonly Prediction prediction;

    internal ImagePrediction(LearningTask task, Prediction prediction, IReadOnlyList<string> remarks)
    {
        (this.task, this.prediction, Remarks) = (task, prediction, remarks);
        Called = PredictionText.Called(task, prediction);
        Outputs =
        [
            .. task.Outputs.Select((name, output) =>
                new PredictedOutput(name, prediction.Values[output], prediction.Thresholds?[output])),
        ];
    }

    /// <summary>The image, as it was asked for.</summary>
    public string Image => prediction.Sample.Name;

    /// <summary>The class that is called, or all labels that are; empty where the model predicts numbers.</summary>
    public IReadOnlyList<string> Called { get; }

    /// <summary>Each class, label or number, in the model's order.</summary>
    public IReadOnlyList<PredictedOutput> Outputs { get; }

    /// <summary>What is doubtful about the image, a sentence each without its full stop; mostly empty.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>The prediction on one line, as <c>scnn predict --format json</c> writes it.</summary>
    public string ToJson() => PredictionText.Json(task, prediction);
}

/// <summary>One class, label or number of a prediction.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Value">Its probability, calibrated where the model is; or the predicted number.</param>
/// <param name="Threshold">The probability from which on it is called, where an operating point was chosen in training.</param>
public readonly record struct PredictedOutput(string Name, double Value, double? Threshold);
