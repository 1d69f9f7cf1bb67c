using StreamingCnn.Distributed;

namespace StreamingCnn.Training.Ranks;

/// <summary>
/// Images over ranks: in each round the next images of the order, one for each rank, the first of them for rank 0. All ranks get to know
/// what comes of all.
/// </summary>
/// <param name="ranks">The ranks.</param>
/// <param name="outputs">Numbers in a prediction.</param>
/// <param name="shareImages">Whether all of them work on each image together, one image after the other.</param>
internal sealed class ImageRounds(ICommunicator ranks, int outputs, bool shareImages = false)
{
    /// <summary>Whether one of the ranks says so; each says it at the same place.</summary>
    public bool Any(bool own)
    {
        if (ranks.Size == 1)
            return own;
        Span<double> count = [own ? 1 : 0];
        ranks.Sum(count);
        return count[0] > 0;
    }

    /// <summary>Images of the next round.</summary>
    /// <param name="left">How many there are at most.</param>
    public int Next(int left) => Math.Min(shareImages ? 1 : ranks.Size, left);

    /// <summary>Runs a round.</summary>
    /// <param name="images">An image for each of the first ranks.</param>
    /// <param name="step">Works on this rank's image, whose place among them it is told.</param>
    /// <returns>What has come of each image, and its pixels.</returns>
    public IReadOnlyList<(Prediction Prediction, long Pixels)> Run(
        IReadOnlyList<TrainingSample> images, Func<TrainingSample, int, (Prediction Prediction, long Pixels)> step)
    {
        if (ranks.Size == 1 || shareImages)
            return [step(images[0], 0)];
        var width = outputs + 2;
        var all = new double[images.Count * width];
        if (ranks.Rank < images.Count)
        {
            var (prediction, pixels) = step(images[ranks.Rank], ranks.Rank);
            double[] own = [prediction.Loss, pixels, .. prediction.Values];
            own.CopyTo(all.AsSpan(ranks.Rank * width, width));
        }

        ranks.Sum(all.AsSpan());
        return [.. all.Chunk(width).Select((numbers, i) => (new Prediction(images[i], numbers[2..], numbers[0]), (long)numbers[1]))];
    }
}
