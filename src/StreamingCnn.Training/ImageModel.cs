using System.Runtime.InteropServices;
using StreamingCnn.Distributed;
using StreamingCnn.Imaging;
using StreamingCnn.Training.Ranks;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>One image at a time through a model, for learning and for judging.</summary>
public static class ImageModel
{
    /// <summary>What a model says of images, in evaluation mode, without gradients.</summary>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="task">What its outputs mean.</param>
    /// <param name="samples">The images.</param>
    /// <param name="progress">Told after every image, or as many as there are ranks; null for nobody.</param>
    /// <param name="ranks">
    /// Processes that share the images, and each get all predictions; null for this one alone. Those of the model's
    /// <see cref="StreamingOptions.SplitOver"/> work on each image together.
    /// </param>
    /// <exception cref="TrainingException">An image cannot be read, or the loss is not a number.</exception>
    public static IReadOnlyList<Prediction> Predict(
        TrainableModel model,
        LearningTask task,
        IReadOnlyList<TrainingSample> samples,
        IProgress<TrainingProgress>? progress = null,
        ICommunicator? ranks = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(samples);
        model.eval();
        using var grad = no_grad();
        var rounds = new ImageRounds(ranks ?? new SingleProcess(), task.ValueCount, model.Options.SplitOver is { Size: > 1 });
        var predictions = new List<Prediction>(samples.Count);
        long all = 0;
        double loss = 0;
        while (predictions.Count < samples.Count)
        {
            var images = samples.Skip(predictions.Count).Take(rounds.Next(samples.Count)).ToArray();
            foreach (var (prediction, pixels) in rounds.Run(images, (sample, _) => Step(model, task, sample)))
            {
                predictions.Add(prediction);
                (all, loss) = (all + pixels, loss + prediction.Loss);
            }

            progress?.Report(new(0, predictions.Count, samples.Count, loss / predictions.Count, all));
        }

        return predictions;
    }

    /// <summary>What a model says of an image of which nothing else is known, in evaluation mode, without gradients.</summary>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="task">What its outputs mean.</param>
    /// <param name="image">The image, as the model's preparation opens it.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <returns>A probability for each class or label, or the predicted numbers.</returns>
    /// <exception cref="TrainingException">The image cannot be read to its end, or what comes out is not a number.</exception>
    public static IReadOnlyList<double> Predict(StreamingClassifier model, ScoredTask task, IImageSource image, string name)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(image);
        model.eval();
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            var values = task.Values(model.forward(image));
            return values.All(double.IsFinite)
                ? values
                : throw new TrainingException(
                    FirstBadWindow(name, image)
                        ?? $"What the model puts out for image '{name}' is not a finite number; its weights are no use.");
        }
        catch (Exception failure) when (IsOfTheImage(failure))
        {
            throw CannotBeWorkedOn(name, failure);
        }
    }

    /// <summary>One image forwards, and backwards when it is to be learned from.</summary>
    /// <param name="model">The model.</param>
    /// <param name="task">What its outputs mean.</param>
    /// <param name="sample">The image.</param>
    /// <param name="batch">Images that share the update; 0 to learn nothing.</param>
    /// <param name="use">Number of the use in training; 0 to judge.</param>
    /// <param name="objective">What is learned by; null for the task's loss.</param>
    internal static (Prediction Prediction, long Pixels) Step(TrainableModel model, LearningTask task, TrainingSample sample,
        int batch = 0, long use = 0, LossOptions? objective = null)
    {
        using var scope = NewDisposeScope();
        try
        {
            using var image = sample.Open(use);
            using var mask = sample.OpenMask?.Invoke(use);
            var (loss, learned, values) = model.Judge(task, sample, image, mask, objective);
            var value = loss.to(ScalarType.Float64).item<double>();
            if (!double.IsFinite(value))
            {
                throw FirstBadWindow(sample.Name, image) is { } bad
                    ? new TrainingException(bad)
                    : new TrainingException(
                        $"The loss of image '{sample.Name}' is not a finite number; choose a lower learning rate.")
                    {
                        IsDivergence = true,
                    };
            }

            if (batch > 0 && learned is not null)
            {
                // Not made by the division: nothing else would keep it from the garbage collector while libtorch reads it.
                using Scalar images = batch / sample.Weight;
                learned.div(images).backward();
            }

            return (new(sample, values, value), image.Height * image.Width);
        }
        catch (Exception failure) when (IsOfTheImage(failure))
        {
            throw CannotBeWorkedOn(sample.Name, failure);
        }
    }

    private static bool IsOfTheImage(Exception failure) =>
        failure is ImageFormatException or IOException or UnauthorizedAccessException or ExternalException;

    private static TrainingException CannotBeWorkedOn(string name, Exception failure) =>
        new($"Image '{name}' cannot be worked on: {failure.Message.Split('\n')[0]}", failure);

    /// <summary>Tells whether it is the image itself that is no number; null where it is not.</summary>
    private static string? FirstBadWindow(string name, IImageSource image)
    {
        const long Side = 1024;
        for (long top = 0; top < image.Height; top += Side)
        {
            for (long left = 0; left < image.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                var window = image.Read(top, left, Math.Min(Side, image.Height - top), Math.Min(Side, image.Width - left));
                if (window.is_floating_point() && !window.isfinite().all().item<bool>())
                    return $"Image '{name}' holds values that are not finite numbers, near row {top} and column {left}; repair it or leave it out.";
            }
        }

        return null;
    }
}
