using System.CommandLine;
using System.Text;

namespace StreamingCnn.Experiments.Resolution;

/// <summary><c>retouch</c>: a data set in which the defect is all that tells the classes apart.</summary>
internal static class RetouchCommand
{
    private static readonly string[] Splits = ["train", "test"];

    public static Command Create()
    {
        var labels = new Argument<string>("labels") { Description = "labels.csv of bsd-pitting." };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the photographs and their labels.csv.", Required = true };
        var command = new Command("retouch", "Make clean photographs into which a defect, or a patch without one, has been copied.") { labels, output };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(output);
            var text = new StringBuilder("image,label,split\n");
            foreach (var split in Splits)
            {
                foreach (var pair in RetouchedPair.WriteAll(Photograph.Read(parsed.GetRequiredValue(labels), split), Path.Combine(folder, split)))
                {
                    foreach (var (path, label) in new[] { (pair.EarlyWithout, 0), (pair.EarlyWith, 1) })
                        text.Append(Path.GetRelativePath(folder, path)).Append(',').Append(label).Append(',').Append(split).Append('\n');
                }
            }

            File.WriteAllText(Path.Combine(folder, "labels.csv"), text.ToString());
        });
        return command;
    }
}
