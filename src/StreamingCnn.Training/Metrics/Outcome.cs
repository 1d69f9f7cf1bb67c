using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>What is called at an operating point against what is true: sensitivity, specificity, and predictive values.</summary>
internal static class Outcome
{
    /// <summary>Whether an output is true of an image.</summary>
    public static bool IsPositive(LearningTask task, Prediction prediction, int output) =>
        task is MultiLabelTask ? prediction.Sample.Targets[output] >= 0.5 : prediction.Sample.Label == output;

    /// <summary>
    /// The shares of a task that has an operating point; four of the second of two classes or of a single label, two of each of
    /// several.
    /// </summary>
    public static IEnumerable<Statistic> Statistics(LearningTask task)
    {
        if (task is ClassificationTask)
            return Of(task, 1, "");
        return task.Outputs.Count == 1 ? Of(task, 0, "") : task.Outputs.SelectMany((name, label) => Of(task, label, $" of {name}").Take(2));
    }

    private static IEnumerable<Statistic> Of(LearningTask task, int output, string of)
    {
        var name = task.Outputs[output];
        yield return Share($"sensitivity{of}", $"share of the images of '{name}' that are called so", (isTrue, isCalled) => isTrue
            ? isCalled : null);
        yield return Share($"specificity{of}", $"share of the other images that are not called '{name}'", (isTrue, isCalled) => isTrue
            ? null : !isCalled);
        yield return Share($"PPV{of}", $"share of the images called '{name}' that are; it hangs on how frequent they are",
            (isTrue, isCalled) => isCalled ? isTrue : null);
        yield return Share($"NPV{of}", $"share of the images not called '{name}' that are not; likewise", (isTrue, isCalled) => isCalled
            ? null : !isTrue);

        // Of each image whether it counts: null where it is none of those that the share is of.
        Statistic Share(string metric, string explanation, Func<bool, bool, bool?> counts)
        {
            return new(metric, explanation, predictions => Count(predictions) is var (count, all) && all > 0
                ? (double)count / all : double.NaN)
            { Share = Count };

            (int Count, int Of) Count(IReadOnlyList<Prediction> predictions)
            {
                var counted = predictions.Select(one => counts(IsPositive(task, one, output), IsCalled(one)))
                    .Where(one => one is not null).ToArray();
                return (counted.Count(one => one == true), counted.Length);
            }
        }

        bool IsCalled(Prediction prediction) =>
            task is MultiLabelTask ? MultiLabelTask.Has(prediction, output) : ClassificationTask.Predicted(prediction) == output;
    }
}
