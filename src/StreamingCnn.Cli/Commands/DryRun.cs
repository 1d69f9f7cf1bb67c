using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Commands;

/// <summary>
/// What a training run would do and cost, told without doing it: all that can go wrong before the first step has gone right by then.
/// </summary>
internal sealed class DryRun(TrainableModel model, TrainingSet set, TrainingOptions training)
{
    public void Show()
    {
        var size = set.Crop ?? set.LargestSize;
        var plan = Plan(size);
        var images = set.Training.Count;
        var updates = (images + training.BatchSize - 1) / training.BatchSize;
        var epoch = FormattableString.Invariant(
            $"{updates} update{(updates == 1 ? "" : "s")}, each with {Math.Min(training.BatchSize, images)} images");
        var optimizer = FormattableString.Invariant(
            $"{Name(training.Optimizer)} at {training.LearningRate}, weight decay {training.WeightDecay}");
        Say($"{training.Epochs} epochs of {epoch}; {optimizer}, schedule {Name(training.Schedule)}.");
        Say($"The plan for {(set.Crop is null ? "the largest image" : "a part of an image")}:");
        Console.Write(plan);
        var steps = TimeSpan.FromSeconds(plan.Seconds * images * training.Epochs);
        Say($"All epochs: about {Text(steps)} on this machine's processor{(set.Crop is null ? " if every image were as large as that" : "")}; reading, augmentation and validation come on top.");
        Say($"Nothing was trained or written; leave out --dry-run to start.");
    }

    /// <summary>The plan for a size; for an image of the training that has it where something says which of its pixels count.</summary>
    private TilePlan Plan((long Height, long Width) size)
    {
        var isKnown = set.Crop is null && (set.Description.Preparation.CountsForegroundAlone || set.Description.Task is MapTask);
        foreach (var sample in isKnown ? set.Training : [])
        {
            using var image = sample.Open(0);
            if ((image.Height, image.Width) != size)
                continue;
            using var truth = sample.OpenMask?.Invoke(0);
            return model.Plan(image, truth);
        }

        return model.Plan(size.Height, size.Width);
    }

    /// <summary>A choice as it is written on the command line.</summary>
    private static string Name(Enum choice) => choice.ToString().ToLowerInvariant();

    private static string Text(TimeSpan time) => time.TotalSeconds < 1 ? "a second"
        : time.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time:hh\\:mm} h")
        : string.Create(CultureInfo.InvariantCulture, $"{time:hh\\:mm\\:ss} h");

    private static void Say(FormattableString text) => Console.WriteLine(Printable.Of(text.ToString(CultureInfo.InvariantCulture)));
}
