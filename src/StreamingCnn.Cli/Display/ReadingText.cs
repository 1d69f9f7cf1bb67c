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
        var shown = remarks.Where(one => all || one.Remark.IsDoubtful);
        foreach (var aspect in shown.GroupBy(one => one.Remark.Aspect).OrderBy(group => group.Key))
        {
            var told = aspect.OrderByDescending(one => one.Images).ToArray();
            foreach (var (remark, images) in told.Take(MostOfAspect))
            {
                var subject = remark.Aspect == ImageAspect.Resolution ? "resolution " : "";
                var instead = remark.IsDoubtful ? ReadingOptions.Instead(remark.Aspect) : "";
                yield return $"{(remark.IsDoubtful ? "Note" : "Read")}: {subject}{remark.Text}{instead} "
                    + $"({images} image{(images == 1 ? "" : "s")}).";
            }

            if (told.Length > MostOfAspect)
                yield return $"Read: and so on, otherwise for {told.Skip(MostOfAspect).Sum(one => one.Images)} image(s).";
        }
    }
}
