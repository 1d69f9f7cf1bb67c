using StreamingCnn.Imaging;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Reports;

public class ReportTests
{
    private static readonly byte[] PngStart = [0x89, (byte)'P', (byte)'N', (byte)'G'];

    [Fact]
    public void A_report_of_classes_holds_all_and_loads_nothing()
    {
        using var folder = new TemporaryFolder();
        var task = new ClassificationTask(["no <b>", "yes"]);

        Report(task, [Is(0, 0.9, 0.1), Is(0, 0.3, 0.7), Is(1, 0.65, 0.35), Is(1, 0.2, 0.8)]).Write(folder.File("run"));

        Assert.Equal(["loss.png", "score.png", "test-calibration.png", "test-confusion.png", "test-roc.png"], Plots(folder));
        // On the page a caption stands below each figure; a file of its own says above what it shows.
        Assert.All(
            Plots(folder),
            name => Assert.True(PictureHeight(folder.File($"run/plots/{name}")) > (name is "loss.png" or "score.png" ? 680 : 760), name));
        var page = File.ReadAllText(folder.File("run/report.html"));
        Assert.Contains("balanced accuracy", page);
        Assert.Contains("percentile bootstrap", page);
        Assert.Contains("is no &lt;b&gt; (30.0%)", page);
        Assert.DoesNotContain("<b>\"", page);
        // Five figures on light and on dark paper, and the four images.
        Assert.Equal(10, page.Split("data:image/png").Length - 1);
        Assert.Equal(4, page.Split("data:image/jpeg").Length - 1);
        Assert.DoesNotContain("http", page);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("url(", page);
    }

    [Fact]
    public void A_report_of_numbers_shows_predicted_against_true()
    {
        using var folder = new TemporaryFolder();

        Report(new RegressionTask(["age", "size"]), [Has([3, 1], 2.5, 1), Has([4, 2], 4.1, 2)]).Write(folder.File("run"));

        Assert.Equal(["loss.png", "score.png", "test-predicted-1.png", "test-predicted-2.png"], Plots(folder));
        Assert.Contains("C-index of size", File.ReadAllText(folder.File("run/report.html")));
    }

    [Fact]
    public void A_report_of_labels_and_one_of_a_single_class_can_be_made()
    {
        using var folder = new TemporaryFolder();

        Report(new MultiLabelTask(["a", "b"]), [Has([1, 0], 0.8, 0.3), Has([0, 0], 0.4, 0.6)]).Write(folder.File("labels"));
        Report(new ClassificationTask(["a", "b"]), [Is(1, 0.4, 0.6)]).Write(folder.File("single"));
        new Report { Title = "Nothing yet" }.Write(folder.File("empty"));

        Assert.Contains("not defined", File.ReadAllText(folder.File("single/report.html")));
        Assert.Contains("Nothing yet", File.ReadAllText(folder.File("empty/report.html")));
    }

    [Fact]
    public void Images_that_cannot_be_opened_have_no_picture()
    {
        using var folder = new TemporaryFolder();
        var broken = folder.Write("broken.png", "no image");
        var prediction = new Prediction(new(broken, 1, _ => throw new ImageFormatException(broken, "is no image")), [0.4, 0.6], 0.5);

        Report(new ClassificationTask(["a", "b"]), [prediction]).Write(folder.File("run"));

        Assert.Contains("no picture", File.ReadAllText(folder.File("run/report.html")));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("file", "");

        var failure = Assert.Throws<Interop.Weights.WeightFileException>(() => new Report { Title = "x" }.Write(Path.Combine(file, "run")));

        Assert.Contains(file, failure.Message);
    }

    // The height stands behind the width, which follows the first block's name.
    private static int PictureHeight(string file) =>
        System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(File.ReadAllBytes(file).AsSpan(20, 4));

    private static string[] Plots(TemporaryFolder folder)
    {
        var files = Directory.GetFiles(folder.File("run/plots")).Order(StringComparer.Ordinal).ToArray();
        Assert.All(files, file => Assert.Equal(PngStart, File.ReadAllBytes(file)[..4]));
        return [.. files.Select(file => Path.GetFileName(file)!)];
    }

    [Fact]
    public void The_worst_images_are_shown_with_what_misled()
    {
        using var folder = new TemporaryFolder();
        var task = new ClassificationTask(["dark", "light"]);
        using var model = Samples.Classifier();
        Prediction[] predictions = [.. ImageModel.Predict(model, task, Samples.Brightness(4))];
        var explain = ExplainedPicture.Of(model, task)!;

        (Report(task, predictions) with { Explain = explain, WorstImages = 3 }).Write(folder.File("run"));

        var page = File.ReadAllText(folder.File("run/report.html"));
        Assert.Equal(6, page.Split("data:image/jpeg").Length - 1);
        Assert.Contains("what in it spoke for the answer", page);
        Assert.Equal([0xff, 0xd8], explain(predictions[0])![..2]);
        // What is shown whole and read in part would not lie over it.
        Assert.Null(explain(predictions[0] with { Sample = predictions[0].Sample with { IsCropped = true } }));
        Assert.Null(explain(predictions[0] with
        {
            Sample = predictions[0].Sample with { Open = _ => throw new ImageFormatException("x", "is no image") },
        }));
    }

    [Fact]
    public void What_is_explained_is_what_was_called_or_is_furthest_off()
    {
        var classes = new ClassificationTask(["a", "b", "c"]);
        Assert.Equal(2, ExplainedPicture.Target(classes, Is(0, 0.3, 0.1, 0.6)));
        Assert.Equal(1, ExplainedPicture.Target(new MultiLabelTask(["a", "b", "c"]), Has([1, 0, 0], 0.8, 0.9, 0.3)));
        Assert.Equal(1, ExplainedPicture.Target(new RegressionTask(["a", "b"]), Has([1, 9], 2, 4)));
        var mixed = new MixedTask([new("grade", classes), new("size", new RegressionTask(["size"])) { Weight = 0.01 }]);
        Assert.Equal(1, ExplainedPicture.Target(mixed, Has([2, 5], 0.1, 0.8, 0.1, 6)));
        Assert.Equal(3, ExplainedPicture.Target(mixed, Has([2, 5], 0.1, 0.1, 0.8, 50)));
    }

    private static Report Report(LearningTask task, Prediction[] predictions) => new()
    {
        Title = "A run",
        Tables = [
            ReportTable.OfData(task, ("test", [.. predictions.Select(prediction => prediction.Sample)])),
            ReportTable.OfSettings("Settings", [new("rate", "0.1")])
        ],
        History = [new(1, new(0.7, 0.5), new(0.8, double.NaN), 0.01), new(2, new(0.5, 0.75), new(0.6, 0.7), 0.01)],
        ScoreName = "accuracy",
        Parts = [new("test", new Evaluation(task, predictions, new() { Resamples = 50 }))],
    };

    private static Prediction Is(int label, params double[] values) =>
        new(new("image", label, _ => Picture()), values, -Math.Log(values[label]));

    private static Prediction Has(double[] targets, params double[] values) =>
        new(new("image", -1, _ => Picture()) { Targets = targets }, values, 1);

    private static TensorImageSource Picture() => new(rand([1, 3, 500, 30], generator: new Generator(1)));
}
