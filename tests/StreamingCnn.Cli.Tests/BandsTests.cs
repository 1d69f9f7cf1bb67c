using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Bands chosen by number or name: in training, and ever after without being named again.</summary>
public sealed class BandsTests(BandsTests.Scenes scenes) : IClassFixture<BandsTests.Scenes>
{
    private const int Side = 64;
    private const string Spaced = "nir, red,green";

    private readonly TemporaryFolder folder = scenes.Folder;

    [Fact]
    public void A_model_of_chosen_bands_is_the_model_of_files_with_those_bands_and_needs_no_option_afterwards()
    {
        Train("three", "three.csv");
        Train("numbers", "four.csv", "--bands", "4,3,2");
        Train("names", "four.csv", "--bands", Spaced);

        Assert.Equal("4,3,2", Safetensors.ReadMetadata(folder.File("numbers/best.safetensors"))["bands"]);
        Assert.Equal("nir,red,green", Safetensors.ReadMetadata(folder.File("names/best.safetensors"))["bands"]);
        Assert.Equal(File.ReadAllText(folder.File("three/metrics.csv")), File.ReadAllText(folder.File("numbers/metrics.csv")));
        Assert.Equal(File.ReadAllText(folder.File("three/metrics.csv")), File.ReadAllText(folder.File("names/metrics.csv")));
        var expected = Predict("three", "three-{0}.tif");
        Assert.Equal(expected, Predict("numbers", "{0}.tif"));
        Assert.Equal(expected, Predict("names", "{0}.tif"));
        // Names follow the bands wherever a file has them; numbers do not, and are named anew.
        Assert.Equal(expected, Predict("names", "turned-{0}.tif"));
        Assert.NotEqual(expected, Predict("numbers", "turned-{0}.tif"));
        Assert.Equal(expected, Predict("numbers", "turned-{0}.tif", "--bands", "1,2,3"));

        var judged = CommandLine.Run(
            "evaluate", folder.File("numbers"), folder.File("turned.csv"), "--bands", "1,2,3", "--resamples", "0", "-o", folder.File("a"));
        Assert.Equal("", judged.Errors);
        Assert.Equal("", CommandLine.Run(
            "evaluate", folder.File("three"), folder.File("three.csv"), "--resamples", "0", "-o", folder.File("b")).Errors);
        Assert.Equal(File.ReadAllText(folder.File("b/metrics.csv")), File.ReadAllText(folder.File("a/metrics.csv")));
        Assert.Contains("bands 1 (nir), 2 (red), 3 (green), each stretched", File.ReadAllText(folder.File("a/report.html")));
    }

    [Fact]
    public void Maps_of_what_matters_name_the_bands()
    {
        Train("three", "three.csv");
        Train("names", "four.csv", "--bands", Spaced);
        Assert.Equal("", Saliency("three", "three-0.tif", "maps-a").Errors);
        var run = Saliency("names", "0.tif", "maps-b");
        Assert.Equal("", run.Errors);
        Assert.Equal(
            File.ReadAllText(folder.File("maps-a/three-0.regions.geojson")), File.ReadAllText(folder.File("maps-b/0.regions.geojson")));
        Assert.Equal(["nir", "red", "green"], ImageInfo.Read(folder.File("maps-b/0.gradient.tif")).BandNames);
        // What has names can be read by them.
        using var green = ImageSource.Open(folder.File("maps-b/0.gradient.tif"), new ImageOptions { Bands = BandChoice.Parse("green") });
        using var third = ImageSource.Open(folder.File("maps-a/three-0.gradient.tif"), new ImageOptions { Bands = BandChoice.Parse("3") });
        using var scope = NewDisposeScope();
        Assert.True(green.Read(0, 0, Side, Side).equal(third.Read(0, 0, Side, Side)).all().item<bool>());
    }

    [Fact]
    public void Grey_and_colour_are_made_of_chosen_bands_on_request()
    {
        Train("grey", "four.csv", "--bands", "4,3,2", "--channels", "1");
        Train("grey-of-three", "three.csv", "--channels", "1");
        Assert.Equal(Predict("grey-of-three", "three-{0}.tif"), Predict("grey", "{0}.tif"));
        Train("colour", "four.csv", "--bands", "nir", "--channels", "3");
        Assert.Equal("3", Safetensors.ReadMetadata(folder.File("colour/best.safetensors"))["channels"]);
        Assert.Equal("", CommandLine.Run("predict", folder.File("colour"), folder.File("turned-0.tif"), "--tile", "64").Errors);
    }

    [Theory]
    [InlineData("3,2,3", "The band '3' stands more than once in '3,2,3'; name each band once.")]
    [InlineData("nir,NIR", "The band 'nir' stands more than once in 'nir,NIR'; name each band once.")]
    [InlineData("0,1", "There is no band 0, as in '0,1'; bands are numbered from 1.")]
    [InlineData("1,,2", "'1,,2' is no list of bands; write numbers from 1 or names with commas between, such as 4,3,2.")]
    public void A_list_that_means_nothing_is_refused(string bands, string sentence) =>
        CommandLine.Run("info", folder.File("0.tif"), "--bands", bands).IsRefused(sentence);

    [Theory]
    [InlineData("0.tif", "5", "band 5 was asked for, but the image has 4 band(s), numbered from 1; choose among those.")]
    [InlineData("0.tif", "swir", "there is no band called 'swir'; choose among blue, green, red, nir, or by number, from 1 to 4.")]
    [InlineData("three-0.tif", "red", "a band called 'red' was asked for, but the file does not name its bands; choose by number, from 1 to 3.")]
    [InlineData("0.tif", "4,nir", "band 4 was asked for twice, by its number and by its name, in '4,nir'; name each band once.")]
    public void Bands_that_a_file_does_not_have_are_refused(string file, string bands, string problem)
    {
        var run = CommandLine.Run("info", folder.File(file), "--bands", bands);
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains(problem, run.Errors, StringComparison.Ordinal);
        Assert.Single(run.Errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public void What_contradicts_the_model_or_another_option_is_refused()
    {
        Train("numbers", "four.csv", "--bands", "4,3,2");
        var two = CommandLine.Run("predict", folder.File("numbers"), folder.File("0.tif"), "--bands", "1,2");
        two.IsRefused("The bands 1,2 are 2, but the model was trained on images of 3; name as many, in the order of training.");
        CommandLine.Run("info", folder.File("0.tif"), "--bands", "1", "--alpha", "drop")
            .IsRefused("--alpha drop leaves a band out, and --bands 1 names those that are read; leave one of them out.");
        var channels = CommandLine.Run("train", folder.File("four.csv"), "--bands", "1,2", "--channels", "3", "--dry-run");
        Assert.Equal(Program.Failure, channels.ExitCode);
        Assert.Contains("2 bands (1,2) and 3 channels were asked for", channels.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_read_is_said()
    {
        var info = CommandLine.Run("info", folder.File("0.tif"), "--bands", "nir,1", "--thumbnail", folder.File("small.png"));
        Assert.Equal("", info.Errors);
        Assert.Contains("bands         1 blue, 2 green, 3 red, 4 nir", info.Output, StringComparison.Ordinal);
        Assert.Contains("channels      2, of bands 4 (nir), 1 (blue)", info.Output, StringComparison.Ordinal);
        Assert.Contains("small.png, 64 x 64 px: band 4 (nir), stretched from the 2nd to the 98th percentile", info.Output, StringComparison.Ordinal);
        Assert.Contains(
            "Read: 4 band(s) of 8 bits: bands 4 (nir), 3 (red) chosen, 2 channel(s) (4 images).",
            CommandLine.Run("train", folder.File("four.csv"), "--bands", "nir,red", "--tile", "64", "--dry-run").Output,
            StringComparison.Ordinal);
    }

    /// <summary>Trains, unless another test has done so.</summary>
    private void Train(string run, string table, params string[] options)
    {
        if (Directory.Exists(folder.File(run)))
            return;
        var done = CommandLine.Run(
            ["train", folder.File(table), "--epochs", "1", "--tile", "64", "--validation", "0.5", "-o", folder.File(run), .. options]);
        Assert.Equal("", done.Errors);
    }

    private CommandLine Saliency(string run, string image, string output) => CommandLine.Run(
        "saliency", folder.File(image), "--weights", folder.File(run), "--tile", "64", "--raw", "-o", folder.File(output));

    /// <summary>The values that are predicted, without the names of files.</summary>
    private string[] Predict(string run, string name, params string[] options)
    {
        string[] images = [.. Enumerable.Range(0, 4).Select(i => folder.File(string.Format(CultureInfo.InvariantCulture, name, i)))];
        var done = CommandLine.Run(["predict", folder.File(run), .. images, "--tile", "64", .. options]);
        Assert.Equal(Program.Success, done.ExitCode);
        return
        [
            .. done.Output.Split('\n').Where(line => line.Contains(".tif", StringComparison.Ordinal))
                .Select(line => line[line.IndexOf(',', StringComparison.Ordinal)..]),
        ];
    }

    /// <summary>Scenes and their tables, which no test changes.</summary>
    public sealed class Scenes : IDisposable
    {
        private const string Names = """
            <GDALMetadata><Item name="DESCRIPTION" sample="0" role="description">blue</Item>
            <Item name="DESCRIPTION" sample="1" role="description">green</Item>
            <Item name="DESCRIPTION" sample="2" role="description">red</Item>
            <Item name="DESCRIPTION" sample="3" role="description">nir</Item></GDALMetadata>
            """;

        public Scenes()
        {
            for (var i = 0; i < 4; i++)
            {
                var offset = i;
                // The same scene with all four bands, with those alone that are wanted, and with the four in another order.
                Scene(4, band => band, offset).Text(42112, Names).WriteTo(Folder.File($"{i}.tif"));
                Scene(3, band => 3 - band, offset).WriteTo(Folder.File($"three-{i}.tif"));
                Scene(4, band => 3 - band, offset)
                    .Text(42112, Names.Replace("blue", "x").Replace("nir", "blue").Replace("x", "nir").Replace("green", "y").Replace("red", "green").Replace("y", "red"))
                    .WriteTo(Folder.File($"turned-{i}.tif"));
            }

            Folder.Write("four.csv", Table("{0}.tif"));
            Folder.Write("three.csv", Table("three-{0}.tif"));
            Folder.Write("turned.csv", Table("turned-{0}.tif"));
        }

        public TemporaryFolder Folder { get; } = new();

        public void Dispose() => Folder.Dispose();

        private static TaggedTiff Scene(int bands, Func<int, int> band, int seed) => TaggedTiff.Of(
            Side,
            Side,
            bands,
            (y, x, place) => (byte)(((((y / 8) * (band(place) + 2)) + ((x / 8) * (seed + 3)) + (40 * band(place))) % 200) + seed))
            .Shorts(262, 1).Shorts(338, [.. Enumerable.Repeat((ushort)0, bands - 1)]);

        private static string Table(string name) => "image,label\n" + string.Concat(
            Enumerable.Range(0, 4).Select(i => $"{string.Format(CultureInfo.InvariantCulture, name, i)},{(i % 2 == 0 ? "a" : "b")}\n"));
    }
}
