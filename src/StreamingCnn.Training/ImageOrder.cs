namespace StreamingCnn.Training;

/// <summary>The images of an epoch. They follow from seed and epoch alone, so that an interrupted epoch can go on.</summary>
internal static class ImageOrder
{
    /// <summary>Places of the training images in the order in which they are learned from.</summary>
    /// <param name="options">The seed, and whether classes are drawn equally often.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="training">The images.</param>
    public static int[] Of(TrainingOptions options, int epoch, IReadOnlyList<TrainingSample> training)
    {
        var random = new Random(unchecked((options.Seed * 1_000_003) + epoch));
        var order = Enumerable.Range(0, training.Count).ToArray();
        if (!options.Balanced)
        {
            random.Shuffle(order);
            return order;
        }

        var classes = order.GroupBy(index => training[index].Label).OrderBy(group => group.Key).Select(group => group.ToArray()).ToArray();
        return [.. order.Select(_ =>
        {
            var members = classes[random.Next(classes.Length)];
            return members[random.Next(members.Length)];
        })];
    }
}
