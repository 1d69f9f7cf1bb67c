namespace StreamingCnn.Training;

/// <summary>One image to learn from, or to be judged by.</summary>
/// <param name="Name">What to call it in messages: a path, a number.</param>
/// <param name="Label">Its class, from 0; without meaning where the task's labels are numbers.</param>
/// <param name="Open">
/// Opens it; called once for every step, and the source is disposed after the step. The number is 0 when the image is to be judged; in
/// training it is another one for every use, the same again when a run is resumed: the seed for whatever is to differ between them.
/// </param>
public sealed record TrainingSample(string Name, int Label, Func<long, IImageSource> Open)
{
    /// <summary>
    /// The numbers to predict: 0 or 1 for each label of a multi-label task, the values of a regression; empty for classes. Of segmentation
    /// how many pixels of each class the mask has, where that is known; of maps of numbers the mean of each number; of columns of
    /// different kinds NaN where the image has no value.
    /// </summary>
    public IReadOnlyList<double> Targets { get; init; } = [];

    /// <summary>
    /// Opens the map of its classes, of one channel and the image's size: numbers from 0, and
    /// <see cref="Tasks.SegmentationTask.IgnoredClass"/> where a pixel does not count. Or the map of its numbers, a channel for each, NaN
    /// where there is none. It is called with the same number as
    /// <see cref="Open"/>, and what is changed of the image's shape is changed of it alike.
    /// </summary>
    /// <value>The default value is null: what is to be learned of the image is of it as a whole.</value>
    public Func<long, IImageSource>? OpenMask { get; init; }

    /// <summary>
    /// Reads the objects that are to be found on its map, where they are known by more than <see cref="OpenMask"/>: the shapes of a drawn
    /// mask, which may touch.
    /// </summary>
    /// <value>The default value is null: objects are the connected regions of the mask.</value>
    public Func<IReadOnlyList<MapObject>>? Objects { get; init; }

    /// <summary>
    /// Reads a small picture of it for people, as large as the given side at most: one or three channels on the scale 0 to 255.
    /// </summary>
    /// <value>The default value is null: pictures are made of what <see cref="Open"/> gives.</value>
    public Func<int, IImageSource>? Picture { get; init; }

    /// <summary>Whether <see cref="Open"/> gives less of the image than <see cref="Picture"/> shows.</summary>
    internal bool IsCropped { get; init; }

    /// <summary>How much it counts in learning: its gradient is multiplied by this. It changes nothing of how it is judged.</summary>
    /// <value>The default value is 1.</value>
    public double Weight { get; init; } = 1;

    /// <summary>What it belongs to, such as a patient: images of one group depend on each other.</summary>
    /// <value>The default value is empty: it depends on no other.</value>
    public string Group { get; init; } = "";

    /// <summary>
    /// What else the data set says of how it is to be read, such as a resolution of its own; a run that goes on
    /// compares it.
    /// </summary>
    /// <value>The default value is empty.</value>
    public string Reading { get; init; } = "";

    /// <summary>
    /// Paths of the files that it is read from: a run that goes on compares what is in them with what it learned from
    /// before.
    /// </summary>
    /// <value>The default value is none: images that come from elsewhere are told apart by <see cref="Name"/>.</value>
    public IReadOnlyList<string> Files { get; init; } = [];
}
