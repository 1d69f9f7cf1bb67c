using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Cli.Tests;

/// <summary>Whatever scale the values of images have, the network learns the same from them.</summary>
public partial class ValueRangeTests
{
    private const int Side = 64;
    private const int SquareSide = 14;

    [Theory]
    [InlineData("u8")]
    [InlineData("f01")]
    [InlineData("u12")]
    [InlineData("s2")]
    [InlineData("i16")]
    public void A_bright_square_is_found_in_values_of_any_scale(string kind)
    {
        using var folder = new TemporaryFolder();
        var table = Pictures(folder, kind, 24);
        var run = CommandLine.Run(
            "train", table, "--model", "small", "--tile", "64", "--epochs", "8", "--rate", "0.003",
            "--validation", "0.34", "--batch", "4", "--output", folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Contains("accuracy of the best weights 1.000", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Warning", run.Output, StringComparison.Ordinal);
        // The model knows: what it says of an image again is what it said.
        var predicted = CommandLine.Run("predict", folder.File("run"), folder.File("i0.tif"), folder.File("i1.tif"));
        Assert.Equal("", predicted.Errors);
        Assert.Contains("i0.tif,plain", predicted.Output, StringComparison.Ordinal);
        Assert.Contains("i1.tif,square", predicted.Output, StringComparison.Ordinal);
        Assert.Contains(
            $"\"normalize\": \"{(kind == "u8" ? "symmetric" : "measured")}\"",
            File.ReadAllText(folder.File("run/options.json")),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("f01", "of which that is 0.", "--range 0.")]
    [InlineData("u12", "symmetric takes 0 to 65535 for their range", "--range ")]
    [InlineData("dark", "symmetric takes 0 to 255 for their range", "--range ")]
    public void Values_that_fill_little_of_the_assumed_range_are_warned_of(string kind, string said, string cure)
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run("train", Pictures(folder, kind, 6), "--tile", "64", "--normalize", "symmetric", "--dry-run");
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Contains("Warning: the middle 98 % of the pixels' values lie between", run.Output, StringComparison.Ordinal);
        Assert.Contains(said, run.Output, StringComparison.Ordinal);
        // The range that it proposes is one that it takes.
        var proposed = Range().Match(run.Output).Groups[1].Value;
        Assert.StartsWith(cure, $"--range {proposed}", StringComparison.Ordinal);
        var cured = CommandLine.Run("train", folder.File("l.csv"), "--tile", "64", "--range", proposed, "--dry-run");
        Assert.Equal(Program.Success, cured.ExitCode);
        Assert.DoesNotContain("Warning", cured.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_that_are_nearly_all_of_one_value_are_told_of_and_no_range_is_made_of_that()
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run("train", Pictures(folder, "black", 6), "--tile", "64", "--normalize", "symmetric", "--dry-run");
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Contains("Warning: all but a few of the pixels have the value 0;", run.Output, StringComparison.Ordinal);
        Assert.DoesNotMatch(Range(), run.Output);
    }

    [Fact]
    public void Values_far_outside_and_values_as_they_are_are_warned_of()
    {
        using var folder = new TemporaryFolder();
        var table = Pictures(folder, "s2f", 6);
        Assert.Contains(
            "far beyond -1 to 1",
            CommandLine.Run("train", table, "--tile", "64", "--normalize", "symmetric", "--dry-run").Output,
            StringComparison.Ordinal);
        Assert.Contains(
            "--normalize none gives them to the network as they are",
            CommandLine.Run("train", table, "--tile", "64", "--normalize", "none", "--dry-run").Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Scalings_that_cannot_be_are_refused()
    {
        using var folder = new TemporaryFolder();
        var table = Pictures(folder, "u12", 6);
        CommandLine.Run("train", table, "--range", "0,4095", "--normalize", "measured", "--dry-run")
            .IsRefused("--range says which values --normalize symmetric and imagenet take for 0 and 255; "
                + "leave it out, or choose one of those.");
        Assert.Contains(
            "'4095,0' is no range of values", CommandLine.Run("train", table, "--range", "4095,0").Errors, StringComparison.Ordinal);
        CommandLine.Run("train", table, "--augment", "colour", "--tile", "64", "--dry-run").IsRefused(
            "--augment colour and stain change colours on the scale 0 to 255, but these images (uint16) have values of another; "
            + "leave them out, or convert the images to 8 bits.");
        File.Copy(folder.File("i0.tif"), folder.File("other.tif"));
        TaggedTiff.Write(folder.File("i0.tif"), TaggedTiff.Of(Side, Side, 1, (y, x, _) => (byte)(y + x)));
        CommandLine.Run("train", table, "--range", "0,4095", "--dry-run")
            .IsRefused("--range counts in values as files store them, but the images are of several types (uint8, uint16); "
                + "convert them to one, or leave it out.");
    }

    /// <summary>Noise around a third of the range, every second picture with a bright square.</summary>
    private static string Pictures(TemporaryFolder folder, string kind, int count)
    {
        var random = new Random(5);
        var lines = new List<string> { "image,label" };
        for (var i = 0; i < count; i++)
        {
            var (top, left) = (random.Next(4, 45), random.Next(4, 45));
            var picture = new double[Side, Side];
            for (var y = 0; y < Side; y++)
            {
                for (var x = 0; x < Side; x++)
                {
                    var noise = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                    var isSquare = i % 2 == 1 && y >= top && y < top + SquareSide && x >= left && x < left + SquareSide;
                    picture[y, x] = Math.Clamp(0.35 + (0.05 * noise) + (isSquare ? 0.45 : 0), 0, 1);
                }
            }

            TaggedTiff.Write(folder.File($"i{i}.tif"), kind switch
            {
                "u8" => Page(value => (byte)(value * 255)),
                "dark" => Page(value => (byte)(value * 20)),
                "black" => Page(value => (byte)(value > 0.999 ? 255 : 0)),
                "f01" => Page(value => (float)value),
                "u12" => Page(value => (ushort)(value * 4095)),
                "s2" => Page(value => (ushort)(value * 3000)),
                "s2f" => Page(value => (float)(value * 10000)),
                _ => Page(value => (short)((value * 2000) - 1000)),
            });
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"i{i}.tif,{(i % 2 == 1 ? "square" : "plain")}"));

            TaggedTiff Page<T>(Func<double, T> store)
                where T : unmanaged => TaggedTiff.Of(Side, Side, 1, (y, x, _) => store(picture[y, x]), tile: 64);
        }

        return folder.Write("l.csv", string.Join('\n', lines));
    }

    [GeneratedRegex(@"such as --range (\S+)\.")]
    private static partial Regex Range();
}
