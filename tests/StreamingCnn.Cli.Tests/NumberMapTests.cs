using System.Globalization;
using NetVips;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>--task maps</c>: numbers at each pixel, learned from files, judged, and predicted into files.</summary>
public sealed class NumberMapTests : IDisposable
{
    private const int Height = 48;
    private const int Width = 60;
    private const float NoNumber = -9999;

    private readonly TemporaryFolder folder = new();

    public NumberMapTests()
    {
        for (var i = 0; i < 8; i++)
            WritePair(i);
        folder.Write("pairs.csv", "image,map,split\n" + string.Concat(
            Enumerable.Range(0, 8).Select(i => $"{i}.png,{i}.tif,{(i < 5 ? "train" : i < 7 ? "val" : "test")}\n")));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Heights_are_learned_judged_and_predicted()
    {
        var run = Train("--labels", "height", "--ignore", "-9999", "--epochs", "8", "--rate", "0.02", "--augment", "mirror,flip", "--worst", "1");

        Assert.Equal("", run.Errors);
        Assert.Contains("5 images to train on, 2 to validate, 1 to test; maps: height.", run.Output, StringComparison.Ordinal);
        var metadata = Safetensors.ReadMetadata(folder.File("run/best.safetensors"));
        Assert.Equal(("maps", "-9999"), (metadata["task"], metadata["ignored-values"]));
        Assert.InRange(Number(metadata["output-means"]), 2000, 2100);
        Assert.InRange(Number(Value("run/test-metrics.csv", "R2")), 0.5, 1);
        Assert.True(File.Exists(folder.File("run/plots/test-means.png")));
        Assert.Contains("errors from -", File.ReadAllText(folder.File("run/report.html")), StringComparison.Ordinal);

        Assert.Equal("", CommandLine.Run("evaluate", folder.File("run"), folder.File("pairs.csv"), "--resamples", "20").Errors);
        Assert.Equal(Number(Value("run/test-metrics.csv", "R2")), Number(Value("run/evaluation/metrics.csv", "R2")), 6);
        Assert.StartsWith(
            "image,pixels,loss,R2,mean absolute error,", File.ReadLines(folder.File("run/evaluation/predictions.csv")).First(), StringComparison.Ordinal);

        Assert.Equal("", CommandLine.Run("predict", folder.File("run"), folder.File("7.png"), "-o", folder.File("maps")).Errors);
        var (said, truth) = (Read(folder.File("maps/7.values.tif")), Read(folder.File("7.tif")));
        var errors = said.Zip(truth).Where(pair => pair.Second != NoNumber).Select(pair => Math.Abs((double)pair.First - pair.Second));
        Assert.Equal(Number(Value("run/test-metrics.csv", "mean absolute error")), errors.Average(), 2);
        Assert.True(File.Exists(folder.File("maps/7.overlay.png")));
        var line = File.ReadAllLines(folder.File("maps/numbers.csv"));
        Assert.Equal("image,number,pixels,mean,least,greatest,sum", line[0]);
        Assert.Equal(said.Average(value => (double)value), Number(line[1].Split(',')[3]), 3);

        using var predictor = Predictor.Load(folder.File("run"));
        var summaries = await predictor.PredictNumbersAsync(
            [folder.File("7.png")], folder.File("again"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(said, Read(folder.File("again.values.tif")));
        Assert.Equal(Height * Width, summaries[0].Positions);
        Assert.Throws<InvalidOperationException>(() => { _ = predictor.PredictAsync(folder.File("7.png")); });

        // Other programs get the numbers themselves, and not what the network has learned.
        Assert.Equal("", CommandLine.Run("export", folder.File("run"), "-o", folder.File("run.onnx"), "--pixels").Errors);
        CommandLine.Run("predict", folder.File("run"), folder.File("7.png"), "-o", folder.File("maps"), "--polygons").IsRefused(
            "--polygons is of models that give maps of classes, and this one gives numbers; leave it out.");
        CommandLine.Run("features", folder.File("run"), folder.File("7.png"), "-o", folder.File("features")).IsRefused(
            "This model gives maps, and features are those of models that judge whole images; take another model.");
        Assert.Contains(
            "are those of a model that gives a map",
            Assert.Throws<WeightFileException>(() => ModelDescription.Load(folder.File("run/best.safetensors"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_goes_on_with_the_same_scale()
    {
        Assert.Equal("", Train("--loss", "absolute", "--epochs", "1", "--crop", "32", "--downsample", "1.5").Errors);
        var means = Safetensors.ReadMetadata(folder.File("run/best.safetensors"))["output-means"];

        var resumed = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2");

        Assert.True(resumed.Errors.Length == 0, resumed.Errors);

        Assert.Equal(means, Safetensors.ReadMetadata(folder.File("run/last.safetensors"))["output-means"]);
        Assert.Equal(3, File.ReadAllLines(folder.File("run/metrics.csv")).Length);
    }

    [Theory]
    [InlineData("small.tif", "this mask has 30 x 60 pixels (height x width), but its image has 48 x 60; give a mask of the image's size")]
    [InlineData("lossy.jpg", "this map is a JPEG, whose compression changes numbers; save it without loss, as TIFF or PNG")]
    [InlineData("none.tif", "it has no number at any pixel; leave the image out")]
    [InlineData("endless.tif", "the map is infinite at row 2, column 5; write NaN, or a value that is ignored, where there is no number")]
    [InlineData("two.tif", "it has 2 channel(s), where most of the maps have 1; give all maps the same numbers")]
    [InlineData("shapes.geojson", "a map of numbers has one at each pixel, and shapes have none; give an image file, such as a TIFF of floating-point numbers")]
    public void A_file_that_is_no_map_is_named(string file, string problem)
    {
        Save("small.tif", 30, (_, _) => 1);
        Save("none.tif", Height, (_, _) => float.NaN);
        Save("endless.tif", Height, (y, x) => (y, x) == (2, 5) ? float.PositiveInfinity : y);
        using (var one = Image.NewFromFile(folder.File("0.tif")))
        {
            using var two = one.Bandjoin(one);
            two.WriteToFile(folder.File("two.tif"));
            using var grey = one.Cast(Enums.BandFormat.Uchar);
            grey.WriteToFile(folder.File("lossy.jpg"));
        }

        folder.Write("shapes.geojson", """{"type":"FeatureCollection","features":[]}""");
        folder.Write("pairs.csv", $"image,map\n0.png,0.tif\n1.png,1.tif\n2.png,{file}\n");

        var run = Train();

        Assert.Equal(2, run.ExitCode);
        Assert.True(run.Errors.Contains(problem, StringComparison.Ordinal), run.Errors);
        Assert.Contains("line 4", run.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("run")));
    }

    [Fact]
    public void A_number_that_does_not_vary_and_options_of_other_tasks_are_refused()
    {
        for (var i = 0; i < 8; i++)
            Save($"{i}.tif", Height, (_, _) => 4);
        Assert.Contains(
            "'value' is 4 at all pixels of all maps in the part 'train', and there is nothing to learn of it; move some of the others there",
            Train().Errors,
            StringComparison.Ordinal);
        Train("--classes", "a,b").IsRefused("--classes is of --task segmentation alone; leave it out, or choose that task.");
        Train("--loss", "dice").IsRefused("--loss of --task maps is squared or absolute; the others are of --task segmentation.");
        Train("--pooling", "max", "--calibrate").IsRefused(
            "--pooling, --calibrate is not of --task maps, which predicts numbers at each pixel of whole images; leave it out.");
        CommandLine.Run("train", folder.File("pairs.csv"), "--loss", "absolute").IsRefused(
            "--loss is of --task segmentation and --task maps alone; leave it out, or choose one of them.");
    }

    [Fact]
    public void Folds_are_pooled_by_their_pixels()
    {
        folder.Write("pairs.csv", "image,map\n" + string.Concat(Enumerable.Range(0, 8).Select(i => $"{i}.png,{i}.tif\n")));

        var run = Train("--ignore", "-9999", "--folds", "2", "--epochs", "1", "--validation", "0");

        Assert.Equal("", run.Errors);
        var lines = Enumerable.Range(1, 2)
            .SelectMany(fold => File.ReadLines(folder.File($"run/fold-{fold}/test-sums.csv")).Skip(1))
            .Select(line => line.Split(',')).ToArray();
        Assert.Equal(8, lines.Select(fields => fields[0]).Distinct().Count());
        Assert.Equal(8 * (Height - 3) * Width, lines.Sum(fields => Number(fields[3])));
        // Pixels and absolute errors are the first and the last but one of eight sums.
        Assert.Equal(
            lines.Sum(fields => Number(fields[9])) / lines.Sum(fields => Number(fields[3])),
            Number(Value("run/folds.csv", "mean absolute error")),
            1e-9);
    }

    private CommandLine Train(params string[] options) => CommandLine.Run(
        ["train", folder.File("pairs.csv"), "--task", "maps", "--model", "sparse", "--tile", "32", "-o", folder.File("run"), .. options]);

    private void WritePair(int number)
    {
        var random = new Random(number);
        var (y0, x0) = (random.Next(Height), random.Next(Width));
        var heights = new float[Height, Width];
        var bytes = new byte[Height * Width];
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var hill = 200 * Math.Exp(-(((y - y0) * (y - y0)) + ((x - x0) * (x - x0))) / 200.0);
                heights[y, x] = y < 3 ? NoNumber : (float)(2000 + hill);
                bytes[(y * Width) + x] = (byte)(30 + hill);
            }
        }

        using var image = Image.NewFromMemory<byte>(bytes, Width, Height, 1, Enums.BandFormat.Uchar);
        image.WriteToFile(folder.File($"{number}.png"));
        Save($"{number}.tif", Height, (y, x) => heights[y, x]);
    }

    private void Save(string name, int height, Func<int, int, float> numberAt)
    {
        var numbers = new float[height * Width];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = numberAt(i / Width, i % Width);
        using var map = Image.NewFromMemory<float>(numbers, Width, height, 1, Enums.BandFormat.Float);
        map.WriteToFile(folder.File(name));
    }

    private static float[] Read(string path)
    {
        using var map = Image.NewFromFile(path);
        return map.WriteToMemory<float>().ToArray();
    }

    private string Value(string file, string metric) =>
        File.ReadLines(folder.File(file)).First(line => line.StartsWith($"{metric},", StringComparison.Ordinal)).Split(',')[1];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
