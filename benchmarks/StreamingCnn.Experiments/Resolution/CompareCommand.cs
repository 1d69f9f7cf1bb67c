using System.CommandLine;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Data;

namespace StreamingCnn.Experiments.Resolution;

/// <summary><c>compare</c>: the areas under the ROC curve of several runs on one test split, and their differences.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var labels = new Argument<string>("labels") { Description = "CSV file of images with the labels 0 and 1 and a split called test." };
        var arms = new Option<string[]>("--arm") { Description = "Name and runs of an arm, such as full=runs/full-1,runs/full-2; the first is what the others are compared with.", Required = true };
        var command = new Command("compare", "Compare trained models on the test split of a data set.") { labels, arms };
        command.SetAction(parsed =>
        {
            var images = LabelledImages.Read(parsed.GetRequiredValue(labels), new CsvOptions(), validationShare: 0);
            var test = images.Test(new() { Channels = images.Channels });
            Arm[] all = [.. parsed.GetRequiredValue(arms).Select(Arm.Parse)];
            var scores = all
                .Select(arm => arm.Score([.. test.Select(sample => sample.Name)]))
                .Select(
                    runs =>
                        (IReadOnlyList<IReadOnlyList<double>>)[.. runs.Select(run => test.Select(sample => run[sample.Name]).ToArray())]);
            Console.WriteLine(
                ArmTable.Of($"{test.Count} images", all, Comparison.Of([.. test.Select(sample => sample.Label == 1)], [.. scores])));
        });
        return command;
    }
}
