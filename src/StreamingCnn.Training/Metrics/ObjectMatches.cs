namespace StreamingCnn.Training.Metrics;

/// <summary>
/// Found objects of one class beside the true ones, over images: as in the PASCAL VOC challenge (Everingham et al., IJCV 2010) a found
/// object is right whose box overlaps that of a true one of its image by more than a given share, if no likelier one has done so before.
/// </summary>
public sealed class ObjectMatches
{
    private readonly IReadOnlyList<ObjectCounts> images;

    /// <summary>Takes what was found.</summary>
    /// <param name="images">The objects of each image.</param>
    public ObjectMatches(IReadOnlyList<ObjectCounts> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        this.images = images;
        (True, Found) = (images.Sum(image => image.True), images.Sum(image => image.Found.Count));
        Right = images.Sum(image => image.Found.Count(one => one.IsRight));
    }

    /// <summary>True objects.</summary>
    public int True { get; }

    /// <summary>Found objects.</summary>
    public int Found { get; }

    /// <summary>Found objects that are right.</summary>
    public int Right { get; }

    /// <summary>Share of the found objects that are right; NaN where none was found.</summary>
    public double Precision => (double)Right / Found;

    /// <summary>Share of the true objects that were found; NaN where there are none.</summary>
    public double Recall => (double)Right / True;

    /// <summary>The harmonic mean of both; NaN where there is nothing.</summary>
    public double F1 => 2.0 * Right / (True + Found);

    /// <summary>
    /// Area under precision against recall as the least score falls, where the precision at a recall is the greatest at that or any greater
    /// one (all points, as PASCAL VOC has it from 2010 on): the sum over recalls r1 &lt; r2 &lt; ... of (r[k] - r[k - 1]) * max of the
    /// precisions at r[k], r[k + 1], .... Objects of one score come together. NaN where there are no true objects.
    /// </summary>
    public double AveragePrecision()
    {
        if (True == 0)
            return double.NaN;
        var points = Points();
        var (area, greatest) = (0.0, 0.0);
        for (var i = points.Count - 1; i >= 0; i--)
        {
            greatest = Math.Max(greatest, (double)points[i].Right / points[i].Found);
            area += (points[i].Right - (i == 0 ? 0 : points[i - 1].Right)) * greatest;
        }

        return area / True;
    }

    /// <summary>The greatest F1 that found objects from some score on have.</summary>
    /// <returns>
    /// That F1, and the score: of several the greatest. NaN both where there are no true objects, or none was found.
    /// </returns>
    public (double F1, double Score) GreatestF1()
    {
        var best = (F1: double.NaN, Score: double.NaN);
        if (True == 0)
            return best;
        foreach (var (right, found, score) in Points())
        {
            if (2.0 * right / (True + found) is var f1 && !(f1 <= best.F1))
                best = (f1, score);
        }

        return best;
    }

    /// <summary>The same without the found objects below a score; what is right stays right.</summary>
    /// <param name="score">The least score that counts.</param>
    public ObjectMatches From(double score) => new(
        [.. images.Select(image => image with { Found = [.. image.Found.Where(one => one.Score >= score)] })]);

    /// <summary>How many are right of how many, from each score on that occurs, the greatest first.</summary>
    private List<(int Right, int Found, double Score)> Points()
    {
        var ordered = images.SelectMany(image => image.Found).OrderByDescending(one => one.Score).ToArray();
        var points = new List<(int Right, int Found, double Score)>();
        var right = 0;
        for (var i = 0; i < ordered.Length; i++)
        {
            right += ordered[i].IsRight ? 1 : 0;
            if (i + 1 == ordered.Length || ordered[i + 1].Score != ordered[i].Score)
                points.Add((right, i + 1, ordered[i].Score));
        }

        return points;
    }

    /// <summary>Which of an image's found objects are right.</summary>
    /// <param name="found">The found objects of a class and their scores.</param>
    /// <param name="actual">The true objects of that class.</param>
    /// <param name="overlap">Intersection over union above which boxes are of one object.</param>
    public static ObjectCounts Of(
        IReadOnlyList<(MapObject Object, double Score)> found, IReadOnlyList<MapObject> actual, double overlap)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(actual);
        // Sorted by their left sides, so that few of very many are looked at.
        var byLeft = actual.OrderBy(one => one.Left).ToArray();
        var lefts = Array.ConvertAll(byLeft, one => one.Left);
        var widest = actual.Count == 0 ? 0 : actual.Max(one => one.Right - one.Left);
        var taken = new bool[byLeft.Length];
        return new(actual.Count, [.. found.OrderByDescending(one => one.Score).Select(one => (one.Score, IsRight(one.Object)))]);

        bool IsRight(MapObject one)
        {
            var (best, most) = (-1, overlap);
            for (var i = FirstFrom(one.Left - widest); i < byLeft.Length && byLeft[i].Left < one.Right; i++)
            {
                if (byLeft[i].Overlap(one) is var share && share > most)
                    (best, most) = (i, share);
            }

            if (best < 0 || taken[best])
                return false;
            taken[best] = true;
            return true;
        }

        int FirstFrom(double left)
        {
            var place = Array.BinarySearch(lefts, left);
            while (place > 0 && lefts[place - 1] == left)
                place--;
            return place < 0 ? ~place : place;
        }
    }
}
