using System.CommandLine;
using System.Globalization;

namespace StreamingCnn.Experiments.Resolution;

/// <summary><c>resolution</c>: what runs at several resolutions see in BSData's photographs.</summary>
internal static class ResolutionCommand
{
    public static Command Create()
    {
        var labels = new Argument<string>("labels") { Description = "labels.csv of bsd-pitting." };
        var arms = new Option<string[]>("--arm") { Description = "Name and runs of an arm, such as full=runs/full-1,runs/full-2; the first is what the others are compared with.", Required = true };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for the figure and the retouched photographs.",
            DefaultValueFactory = _ => "runs/resolution"
        };
        var command = new Command(
            "resolution",
            "Compare trained models on the test photographs, and find out whether they look at the defects.") { labels, arms, output };
        command.SetAction(parsed =>
        {
            var photographs = Photograph.Read(parsed.GetRequiredValue(labels), "test");
            var folder = parsed.GetRequiredValue(output);
            Compare(photographs, [.. parsed.GetRequiredValue(arms).Select(Arm.Parse)], folder);
        });
        return command;
    }

    private static void Compare(IReadOnlyList<Photograph> photographs, IReadOnlyList<Arm> arms, string folder)
    {
        var pairs = RetouchedPair.WriteAll(photographs, Path.Combine(folder, "retouched"));
        string[] images = [
            .. photographs.Select(photograph => photograph.Path),
            .. pairs.SelectMany(pair => new[] { pair.EarlyWithout, pair.EarlyWith, pair.LateWithout })
        ];
        var scores = arms.Select(arm => arm.Score(images)).ToArray();
        var median = photographs.Where(photograph => photograph.IsPitted).Select(photograph => photograph.DefectArea).Order().ElementAt(
            photographs.Count(photograph => photograph.IsPitted) / 2);

        Comparison Between(IEnumerable<string> negatives, IEnumerable<string> positives)
        {
            var all = negatives.Select(path => (Path: path, IsPositive: false))
                .Concat(positives.Select(path => (Path: path, IsPositive: true)))
                .ToArray();
            return Comparison.Of(
                [.. all.Select(image => image.IsPositive)],
                [
                    .. scores.Select(
                        arm =>
                            (
                                IReadOnlyList<IReadOnlyList<double>>)[.. arm.Select(
                                    run => (IReadOnlyList<double>)[.. all.Select(image => run[image.Path])])])
                ]);
        }

        string[] clean = [.. photographs.Where(photograph => !photograph.IsPitted).Select(photograph => photograph.Path)];
        (string Question, Comparison Answer)[] questions =
        [
            ("test split", Between(clean, Pitted(_ => true))),
            ($"defects below {median} px alone", Between(clean, Pitted(photograph => photograph.DefectArea < median))),
            (
                "clean surface: defect put in, or not",
                Between(pairs.Select(pair => pair.EarlyWithout), pairs.Select(pair => pair.EarlyWith))),
            ("worn surface: defect, or taken out", Between(pairs.Select(pair => pair.LateWithout), pairs.Select(pair => pair.LateWith))),
            ("no defect: clean or worn surface", Between(pairs.Select(pair => pair.EarlyWithout), pairs.Select(pair => pair.LateWithout))),
        ];
        foreach (var (question, answer) in questions)
            Console.WriteLine(ArmTable.Of(question, arms, answer));
        Console.WriteLine(PairTable.Of(arms, scores, pairs));
        var time = Comparison.Of(
            [.. photographs.Select(photograph => photograph.IsPitted)], [[[.. photographs.Select(photograph => (double)photograph.Time)]]]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Area when photographs are ranked by the time at which they were taken, unseen: {time.Means[0].Value:0.000} ({time.Means[0].Interval})."));
        ResolutionFigure.Write(Path.Combine(folder, "resolution.png"), [.. arms.Select(arm => arm.Name)], questions);

        IEnumerable<string> Pitted(Func<Photograph, bool> which) =>
            photographs.Where(photograph => photograph.IsPitted && which(photograph)).Select(photograph => photograph.Path);
    }
}
