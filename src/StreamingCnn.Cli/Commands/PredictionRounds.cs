using StreamingCnn.Distributed;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Commands;

/// <summary>
/// Images that several processes predict: in each round one for each of them, or one that all of them work on together. What fails of an
/// image is told and passed over; but once all of them work on one, the failure of one ends all.
/// </summary>
/// <param name="predictor">The model.</param>
/// <param name="job">The processes.</param>
/// <param name="tell">Takes a remark.</param>
/// <param name="fail">Takes an image that fails, and what is said of it.</param>
internal sealed class PredictionRounds(Predictor predictor, Job job, Action<string> tell, Action<ImageItem, string> fail)
{
    // What is the same for many images is told of the first.
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    /// <summary>Whether all of them work on each image together.</summary>
    public bool ShareImages => predictor.Model.Options.SplitOver is { Size: > 1 };

    /// <summary>Images of the next round.</summary>
    /// <param name="left">How many there are at most.</param>
    public int Next(int left) => Math.Min(ShareImages ? 1 : job.Ranks.Size, left);

    /// <summary>Does this process's part of a round.</summary>
    /// <param name="files">The images.</param>
    /// <param name="done">How many of them are done.</param>
    /// <param name="images">How many are in this round.</param>
    /// <param name="predict">Predicts an image; is given whom to tell what is doubtful about it.</param>
    /// <returns>The place of its image in the round, and what has come of it; null where nothing has.</returns>
    public (int Place, T Result)? Own<T>(IReadOnlyList<ImageItem> files, int done, int images, Func<ImageItem, Action<string>, T> predict)
    {
        var place = ShareImages ? 0 : job.Ranks.Rank;
        if (place >= images || (ShareImages && !AllCanOpen(files[done + place])))
            return null;
        var image = files[done + place];
        try
        {
            return (place, predict(image, doubt => Doubt(image, doubt)));
        }
        catch (PredictionException failure) when (!ShareImages)
        {
            fail(image, failure.Message);
            return null;
        }
    }

    /// <summary>What all have to say of a round: a sum over processes where each has an image of its own.</summary>
    public void Sum(Span<double> numbers)
    {
        if (!ShareImages)
            job.Ranks.Sum(numbers);
    }

    private bool AllCanOpen(ImageItem image)
    {
        var sentence = "";
        try
        {
            predictor.Check(image, doubt => Doubt(image, doubt));
        }
        catch (PredictionException failure)
        {
            sentence = failure.Message;
        }

        var first = job.Ranks.Gather(sentence).FirstOrDefault(said => said.Length > 0);
        if (first is not null && job.IsFirst)
            fail(image, first);
        return first is null;
    }

    private void Doubt(ImageItem image, string doubt)
    {
        if ((!ShareImages || job.IsFirst) && told.Add(doubt))
            tell($"Note: {image.Path}: {doubt}.");
    }
}
