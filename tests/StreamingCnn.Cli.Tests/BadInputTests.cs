using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

public class BadInputTests
{
    [Theory]
    [InlineData("--tile", "0", "'0' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.")]
    [InlineData("--tile", "-3x8", "'-3x8' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.")]
    [InlineData("--size", "big", "'big' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.")]
    [InlineData("--memory", "-1GiB", "'-1GiB' is not an amount of memory; write a")]
    [InlineData("--memory", "1MiB", "No tile fits into the memory budget of 1 MiB for an image of 8192 x 8192 pixels; the smallest budget that one fits into is")]
    [InlineData("--mode", "twice", "'twice' is not a mode; write exactly-once or overlap.")]
    [InlineData("--channels", "0", "'0' is not a number for --channels; write a whole number of at least 1.")]
    [InlineData("--model", "resnet19", "There is no model 'resnet19'; choose one of ")]
    public void A_wrong_option_gets_one_sentence(string option, string value, string sentence)
    {
        var run = CommandLine.Run("plan", option, value);

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.StartsWith($"error: {sentence}", run.Errors);
        Assert.Single(run.Errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public void Training_on_nothing_says_what_to_name() => CommandLine.Run("train")
        .IsRefused("Name a CSV file or a folder with one folder for each class, or give --demo for images made on the spot.");

    [Fact]
    public void A_missing_table_is_named()
    {
        var run = CommandLine.Run("train", "nowhere.csv");

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("nowhere.csv", run.Errors);
        Assert.Contains("there is no such file", run.Errors);
    }

    [Fact]
    public void All_that_is_wrong_with_a_table_is_listed_with_its_line()
    {
        using var folder = new TemporaryFolder();
        folder.Write("text.jpg", "this is no image");
        var table = folder.Write("data.csv", "image,label\nmissing.png,a\ntext.jpg,b\n,a\n");

        var run = CommandLine.Run("train", table);

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("line 2: the image missing.png", run.Errors);
        Assert.Contains("line 3: the image text.jpg", run.Errors);
        Assert.Contains("line 4: the image is empty", run.Errors);
        Assert.DoesNotContain("   at ", run.Errors);
    }

    [Fact]
    public void Images_with_other_channels_than_the_rest_are_named()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, channels) in new[] { ("a/1.npy", 3), ("a/2.npy", 3), ("b/1.npy", 3), ("b/grey.npy", 1) })
            NumpyFile.Write(folder.Write(name, ""), ones(40, 40, channels));

        var run = CommandLine.Run("train", folder.Path);

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("b/grey.npy: 1 channel(s), where most of the images have 3", run.Errors);
    }

    [Fact]
    public void An_image_with_values_that_are_no_numbers_is_named_with_the_place()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "a/1.npy", "a/2.npy", "b/1.npy" })
            NumpyFile.Write(folder.Write(name, ""), ones(40, 40, 3));
        NumpyFile.Write(folder.Write("b/nan.npy", ""), full([40, 40, 3], float.NaN));

        var run = CommandLine.Run("train", folder.Path, "--validation", "0", "--epochs", "1", "--output", folder.File("run"));

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("nan.npy' holds values that are not finite numbers, near row 0 and column 0; repair it or leave it out.", run.Errors);
        Assert.False(File.Exists(folder.File("run/best.safetensors")));
    }
}
