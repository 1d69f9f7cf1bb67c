using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;

namespace StreamingCnn.Cli.Display;

/// <summary>What is done with files when they are read, in lines for a person.</summary>
internal static class ReadingText
{
    // Of one kind of remark so many are told.
    private const int MostOfAspect = 3;

    /// <summary>The lines for many images.</summary>
    /// <param name="remarks">Each remark and the number of images that it is on.</param>
    /// <param name="all">Whether to tell also what nobody would have expected otherwise.</param>
    public static IEnumerable<string> Lines(IEnumerable<(ImageRemark Remark, int Images)> remarks, bool all)
    {
        foreach (var aspect in remarks.Where(one => all || one.Remark.IsDoubtful).GroupBy(one => one.Remark.Aspect).OrderBy(group => group.Key))
        {
            var told = aspect.OrderByDescending(one => one.Images).ToArray();
            foreach (var (remark, images) in told.Take(MostOfAspect))
                yield return $"{(remark.IsDoubtful ? "Note" : "Read")}: {(remark.Aspect == ImageAspect.Resolution ? "resolution " : "")}{remark.Text}{(remark.IsDoubtful ? ReadingOptions.Instead(remark.Aspect) : "")} ({images} image{(images == 1 ? "" : "s")}).";
            if (told.Length > MostOfAspect)
                yield return $"Read: and so on, otherwise for {told.Skip(MostOfAspect).Sum(one => one.Images)} image(s).";
        }
    }

    /// <summary>What is doubtful about one image, and whether it is of another type than those that a model has learned from.</summary>
    /// <param name="reading">How the image is read.</param>
    /// <param name="sampleTypes">Types that the model knows; none where that was not recorded.</param>
    public static IEnumerable<string> Doubts(ImageReading reading, IReadOnlyList<string> sampleTypes)
    {
        foreach (var remark in reading.Remarks.Where(remark => remark.IsDoubtful))
            yield return remark.Text;
        if (sampleTypes.Count > 0 && !sampleTypes.Contains(reading.Info.SampleType))
            yield return $"its samples are {reading.Info.SampleType}, but the model was trained on {string.Join(", ", sampleTypes)}, whose values may have another range";
    }
}
