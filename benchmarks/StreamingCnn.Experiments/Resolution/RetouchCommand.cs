using System.CommandLine;
using System.Text;
using StreamingCnn.Imaging;

namespace StreamingCnn.Experiments.Resolution;

/// <summary><c>retouch</c>: a data set in which the defect is all that tells the classes apart.</summary>
internal static class RetouchCommand
{
    private static readonly string[] Splits = ["train", "test"];

    public static Command Create()
    {
        var labels = new Argument<string>("labels") { Description = "labels.csv of bsd-pitting." };
        var output =
            new Option<string>("--output", "-o") { Description = "Folder for the photographs and their labels.csv.", Required = true };
        var crop = new Option<int?>("--crop") { Description = "Side in pixels of the square around the largest defect that is kept, the same in both images of a pair. Default: whole photographs." };
        var command = new Command(
            "retouch", "Make clean photographs into which a defect, or a patch without one, has been copied.") { labels, output, crop };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(output);
            var random = new Random(1);
            var text = new StringBuilder("image,label,split\n");
            foreach (var split in Splits)
            {
                foreach (var pair in RetouchedPair
                    .WriteAll(Photograph.Read(parsed.GetRequiredValue(labels), split), Path.Combine(folder, split)))
                {
                    ImageRegion? square = parsed.GetValue(crop) is { } side ? Around(pair.Pitted, side, random) : null;
                    foreach (var (path, label) in new[] { (pair.EarlyWithout, 0), (pair.EarlyWith, 1) })
                    {
                        if (square is { } region)
                            Retouching.Crop(path, region);
                        text.Append(Path.GetRelativePath(folder, path)).Append(',').Append(label).Append(',').Append(split).Append('\n');
                    }
                }
            }

            File.WriteAllText(Path.Combine(folder, "labels.csv"), text.ToString());
        });
        return command;
    }

    /// <summary>A square that holds the largest defect, anywhere in it, so that its place says nothing.</summary>
    private static ImageRegion Around(Photograph photograph, int side, Random random)
    {
        var box = photograph.Defects.MaxBy(box => box.Height * box.Width)!;
        using var image = ImageSource.Open(photograph.Path);
        return new(Place(box.Top, box.Height, image.Height), Place(box.Left, box.Width, image.Width), side, side);

        long Place(long first, long length, long whole)
        {
            var (least, most) = (Math.Max(0, first + length - side), Math.Min(first, whole - side));
            return least < most ? random.NextInt64(least, most + 1) : Math.Clamp(first + ((length - side) / 2), 0, whole - side);
        }
    }
}
