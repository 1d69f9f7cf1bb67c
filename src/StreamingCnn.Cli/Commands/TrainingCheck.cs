using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;

namespace StreamingCnn.Cli.Commands;

/// <summary>
/// What a training would stumble over after its first steps, found before them, by a dry run and by a training alike:
/// images that are too small for the network, or too large for the memory, and changes that cannot be made to them.
/// </summary>
internal static class TrainingCheck
{
    // A plan takes a moment; of very many sizes the extremes tell.
    private const int MostSizes = 32;

    /// <exception cref="WeightFileException">The carry or maps cannot be kept where they are to be.</exception>
    /// <exception cref="DataSetException">Images are too small or too large; all are named.</exception>
    public static void Run(TrainableModel model, TrainingSet set)
    {
        if (model.Options.CarryFolder is { } folder)
            OutputFolder.Check(folder);
        if (set.Crop is var (height, width))
            model.Plan(height, width);
        set.Training[0].Open(1).Dispose();
        set.Training[0].OpenMask?.Invoke(1).Dispose();

        // Parts are cut from training images, so that their own size does not matter.
        var cut = set.Crop is null ? [] : set.Training.Select(sample => sample.Name).ToHashSet(StringComparer.Ordinal);
        var bySize = set.Sizes.Where(image => !cut.Contains(image.Item.Path))
            .GroupBy(image => (image.Height, image.Width))
            .ToDictionary(group => group.Key, group => group.ToArray());
        if (Extremes([.. bySize.Keys]).All(size => Problem(model, size) is null))
            return;
        var problems = new DataProblems();
        foreach (var (size, images) in bySize)
        {
            if (Problem(model, size) is not { } problem)
                continue;
            foreach (var image in images)
                problems.Add(problem, image.Item.Line, image.Item.Path, "image");
        }

        problems.ThrowIfAny(set.Path);
    }

    private static IEnumerable<(long Height, long Width)> Extremes(IReadOnlyList<(long Height, long Width)> sizes) =>
        sizes.Count <= MostSizes
            ? sizes
            : new[]
            {
                sizes.MinBy(size => size.Height), sizes.MinBy(size => size.Width), sizes.MinBy(size => size.Height * (double)size.Width),
                sizes.MaxBy(size => size.Height), sizes.MaxBy(size => size.Width), sizes.MaxBy(size => size.Height * (double)size.Width),
            }.Distinct();

    private static string? Problem(TrainableModel model, (long Height, long Width) size)
    {
        try
        {
            model.Plan(size.Height, size.Width);
            return null;
        }
        catch (Exception refusal) when (refusal is UnsupportedLayerException or InsufficientMemoryException)
        {
            return $"{size.Height} x {size.Width} px: {refusal.Message.TrimEnd('.')}";
        }
    }
}
