using System.Text.Json;
using StreamingCnn.Interop.Weights;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>One model of a class, a label and a number, from the table to the prediction.</summary>
public sealed class MixedTests : IDisposable
{
    private const string Kinds = "grade=classes,her2=labels,age=numbers";

    private readonly TemporaryFolder folder = new();

    public MixedTests()
    {
        manual_seed(3);
        var table = "image,grade,her2,age,patient\n";
        for (var i = 0; i < 12; i++)
        {
            NumpyFile.Write(folder.Write($"{i}.npy", ""), ((rand(40, 48, 3) * 60) + (i % 3 * 90)).to(ScalarType.Byte));
            table += $"{i}.npy,{"abc"[i % 3]},{(i % 2 == 0 ? "TRUE" : "FALSE")},{40 + i},p{i / 2}\n";
        }

        folder.Write("t.csv", table);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void It_is_trained_judged_and_used()
    {
        Train("run", "--epochs", "2", "--monitor", "auc-of-her2");
        var metadata = Safetensors.ReadMetadata(folder.File("run/best.safetensors"));
        Assert.Equal("grade=a\ngrade=b\ngrade=c\nher2\nage", metadata["outputs"]);
        Assert.Contains("accuracy of grade,", File.ReadAllText(folder.File("run/validation-metrics.csv")), StringComparison.Ordinal);
        var report = File.ReadAllText(folder.File("run/report.html"));
        Assert.Contains("grade: Confusion", report, StringComparison.Ordinal);
        Assert.Contains("age: Predicted against true age", report, StringComparison.Ordinal);
        Assert.Contains("<td>grade=a</td>", report, StringComparison.Ordinal);

        // A table with fewer classes, in another order.
        folder.Write("others.csv", "image,age,grade,her2\n3.npy,50,c,0\n4.npy,41,b,1\n5.npy,60,c,1\n");
        var judged = CommandLine.Run(
            "evaluate", folder.File("run"), folder.File("others.csv"), "--tile", "32", "--resamples", "10", "-o", folder.File("judged"));
        Assert.Equal("", judged.Errors);
        Assert.Contains("mean absolute error of age", judged.Output, StringComparison.Ordinal);
        var lines = File.ReadAllLines(folder.File("judged/predictions.csv"));
        Assert.Equal("image,true grade,true her2,true age,predicted,grade=a,grade=b,grade=c,her2,age", lines[0]);
        Assert.Equal(["c", "0", "50"], lines[1].Split(',')[1..4]);
        Assert.Matches("^grade=[abc](;her2)?$", lines[1].Split(',')[4]);

        var predicted = CommandLine.Run("predict", folder.File("run"), folder.File("3.npy"), "--tile", "32", "--format", "json");
        var line = predicted.Output.Split('\n').Single(text => text.Contains("\"values\"", StringComparison.Ordinal)).Trim('[', ']', ',', '\r', ' ');
        using var json = JsonDocument.Parse(line);
        Assert.StartsWith("grade=", json.RootElement.GetProperty("predicted")[0].GetString());
        Assert.Equal(
            lines[1].Split(',')[9], json.RootElement.GetProperty("values").GetProperty("age").GetDouble().ToString("R", null));
        var shown = CommandLine.Run(
            "saliency", folder.File("3.npy"), "-w", folder.File("run"), "--tile", "32", "--target", "age", "-o", folder.File("maps"));
        Assert.Equal("", shown.Errors);
    }

    [Fact]
    public void It_is_cross_validated_by_groups_and_goes_on()
    {
        Train("folds", "--epochs", "1", "--folds", "2", "--group", "patient");
        Assert.Contains("mean score,", File.ReadAllText(folder.File("folds/folds.csv")), StringComparison.Ordinal);
        Train("run", "--epochs", "1");
        var gone = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2");
        Assert.Equal("", gone.Errors);
        Assert.Equal(3, File.ReadAllLines(folder.File("run/metrics.csv")).Length);
    }

    /// <summary>An empty field, or what other programs write for one, leaves an image out of its column alone.</summary>
    [Fact]
    public void Gaps_in_a_table_are_left_out()
    {
        var lines = File.ReadAllLines(folder.File("t.csv"));
        for (var i = 0; i < 12; i++)
        {
            var fields = lines[i + 1].Split(',');
            fields[1 + (i % 3)] = i % 2 == 0 ? "" : "NA";
            lines[i + 1] = string.Join(',', fields);
        }

        File.WriteAllLines(folder.File("t.csv"), lines);
        var told = Train("run", "--epochs", "1");
        Assert.Contains("4 of 12 images have no value in the column 'grade', and count for the others alone", told, StringComparison.Ordinal);
        Train("folds", "--epochs", "1", "--folds", "2");
        var gone = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2");
        Assert.Equal("", gone.Errors);

        var judged = CommandLine.Run(
            "evaluate", folder.File("run"), folder.File("t.csv"), "--part", "all", "--tile", "32", "--resamples", "10", "-o",
            folder.File("judged"));
        Assert.Equal("", judged.Errors);
        var first = File.ReadAllLines(folder.File("judged/predictions.csv"))[1].Split(',');
        Assert.Equal(("", "1", "40"), (first[1], first[2], first[3]));

        folder.Write("bad.csv", "image,grade,her2,age\n0.npy,,,\n1.npy,a,0,4\n2.npy,b,1,5\n");
        Refused("bad.csv", "none of its label columns has a value; fill one in, or leave out the line");
        folder.Write("bad.csv", "image,grade,her2,age\n0.npy,a,,3\n1.npy,a,nan,4\n2.npy,b,-,5\n");
        Refused("bad.csv", "no image has a value in the column 'her2'; fill it in, or name other label columns");
        folder.Write("bad.csv", "image,grade,her2,age,split\n0.npy,a,,3,train\n1.npy,b,,4,train\n2.npy,b,1,5,validation\n");
        Refused("bad.csv", "no image in the part 'train' has a value in the column 'her2', so there is nothing to learn of it");

        void Refused(string table, string sentence)
        {
            var run = CommandLine.Run(
                "train", folder.File(table), "--task", "mixed", "--labels", Kinds, "--validation", "0.3", "-o", folder.File("refused"));
            Assert.Equal(Program.Failure, run.ExitCode);
            Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_does_not_say_its_kind_is_refused()
    {
        Refused(
            "--task mixed has columns of different kinds, and 'grade' does not say which it is; write it as grade=classes, =labels or =numbers.",
            "--labels", "grade,her2=labels");
        Refused("her2 'FALSE' is not a number", "--labels", "grade=classes,her2=numbers");
        Refused("--calibrate is of labels of one kind, and --task mixed has several; leave it out.", "--labels", Kinds, "--calibrate");
        Refused("--operating-point is of two classes or of labels, not of 5 mixed", "--labels", Kinds, "--operating-point", "cost=2");
        Train("run", "--epochs", "1");
        folder.Write("others.csv", "image,age,grade,her2\n3.npy,50,d,0\n4.npy,41,b,1\n");
        var judged = CommandLine.Run("evaluate", folder.File("run"), folder.File("others.csv"), "--tile", "32");
        Assert.Equal(Program.Failure, judged.ExitCode);
        Assert.Contains(
            "the class 'd' in the column 'grade' is none of those that the model tells apart: a, b, c", judged.Errors,
            StringComparison.Ordinal);

        void Refused(string sentence, params string[] options)
        {
            var run = CommandLine.Run(
                ["train", folder.File("t.csv"), "--task", "mixed", "--validation", "0.3", .. options, "-o", folder.File("refused")]);
            Assert.Equal(Program.Failure, run.ExitCode);
            Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
            Assert.False(Directory.Exists(folder.File("refused")));
        }
    }

    private string Train(string run, params string[] options)
    {
        var done = CommandLine.Run(
            [
                "train", folder.File("t.csv"), "--task", "mixed", "--labels", Kinds, "--tile", "32", "--validation", "0.34", "-o",
                folder.File(run), .. options,
            ]);
        Assert.Equal("", done.Errors);
        return done.Output;
    }
}
