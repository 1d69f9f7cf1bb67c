using NetVips;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>--inputs</c>: what differs between a board and its template, learned from both side by side.</summary>
public sealed class InputsTests : IDisposable
{
    private const int Side = 64;

    private readonly TemporaryFolder folder = new();

    public InputsTests()
    {
        var (maps, classes) = ("board,template,mask,split\n", "template,board,label,split\n");
        for (var i = 0; i < 8; i++)
        {
            Write(i);
            var part = i < 5 ? "train" : i < 7 ? "val" : "test";
            maps += $"{i}.png,template.png,{i}.mask.png,{part}\n";
            classes += $"template.png,{i}.png,{(i % 2 == 0 ? "good" : "bad")},{part}\n";
        }

        folder.Write("maps.csv", maps);
        folder.Write("classes.csv", classes);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_map_is_learned_evaluated_and_predicted_from_tables()
    {
        string[] masks = ["--task", "segmentation", "--classes", "same,other", "--model", "sparse", "--tile", "32"];
        var trained = CommandLine.Run([
            "train", folder.File("maps.csv"), "--inputs", "board,template", .. masks, "--augment", "mirror,turn", "--crop", "48", "--epochs", "2",
            "--downsample", "1.5", "-o", folder.File("run")]);
        Assert.Equal("", trained.Errors);
        Assert.Equal("""[{"Name":"board","Channels":3},{"Name":"template","Channels":1}]""",
            Safetensors.ReadMetadata(folder.File("run/best.safetensors"))["inputs"]);

        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "3").Errors);
        Assert.Equal("", CommandLine.Run("evaluate", folder.File("run"), folder.File("maps.csv"), "--resamples", "20").Errors);
        Assert.Equal("", CommandLine.Run("predict", folder.File("run"), folder.File("maps.csv"), "-o", folder.File("maps")).Errors);
        Assert.True(File.Exists(folder.File("maps/3.classes.tif")));

        CommandLine.Run("predict", folder.File("run"), folder.Path, "-o", folder.File("more")).IsRefused(
            $"The model sees 2 images side by side, and '{folder.Path}' does not say which; give a table (.csv) with the columns board, template.");
        CommandLine.Run("predict", folder.File("run"), folder.Write("one.csv", "board\n1.png\n"), "-o", folder.File("more")).IsRefused(
            $"The table '{folder.File("one.csv")}' has no column template, of the images that are read side by side; its columns are board.");
    }

    /// <summary>What is moved in training alone is no part of the model; a run that goes on must be told the same of it.</summary>
    [Fact]
    public void One_image_may_be_moved_against_the_others_in_training()
    {
        string[] command =
        [
            "train", folder.File("maps.csv"), "--inputs", "board,template", "--task", "segmentation", "--classes", "same,other", "--model", "sparse",
            "--tile", "32", "--epochs", "1",
        ];
        Assert.Equal("", CommandLine.Run([.. command, "--augment", "mirror", "-o", folder.File("still")]).Errors);
        Assert.Equal("", CommandLine.Run([.. command, "--augment", "mirror,offset:3:0.5", "-o", folder.File("moving")]).Errors);
        Assert.Equal("", CommandLine.Run([.. command, "--augment", "mirror,offset:3:0.5", "-o", folder.File("again")]).Errors);

        Assert.Equal(
            Safetensors.ReadMetadata(folder.File("still/best.safetensors")), Safetensors.ReadMetadata(folder.File("moving/best.safetensors")));
        Assert.NotEqual(Losses("still"), Losses("moving"));
        Assert.Equal(Losses("moving"), Losses("again"));
        Assert.Contains(
            "augment 'mirror,offset:3:0.5' instead of 'mirror,offset:3'",
            CommandLine.Run(
                "train", "--resume", folder.File("moving"), "--epochs", "2", "--augment", "mirror,offset:3").Errors,
            StringComparison.Ordinal);
        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("moving"), "--epochs", "2").Errors);

        string Losses(string run) => File.ReadAllText(folder.File($"{run}/metrics.csv"));
    }

    [Fact]
    public void Whole_images_are_classified_and_explained()
    {
        string[] table = [folder.File("classes.csv"), "--inputs", "board,template"];
        var trained = CommandLine.Run([
            "train", .. table, "--model", "sparse", "--tile", "32", "--channels", "3", "--normalize", "imagenet", "--epochs", "1", "-o", folder.File("run")]);
        Assert.Equal("", trained.Errors);

        var predicted = CommandLine.Run("predict", folder.File("run"), folder.File("classes.csv"));
        Assert.Equal("", predicted.Errors);
        Assert.Contains("7.png", predicted.Output, StringComparison.Ordinal);
        Assert.Equal("", CommandLine.Run(
            "features", folder.File("run"), folder.File("classes.csv"), "--pooled", "-o", folder.File("features")).Errors);
        Assert.Equal("", CommandLine.Run(
            "saliency", folder.Write("two.csv", "board,template\n1.png,template.png\n2.png,template.png\n"),
            "-w", folder.File("run"), "--raw", "-o", folder.File("why")).Errors);
        using var gradient = Image.NewFromFile(folder.File("why/2.gradient.tif"));
        Assert.Equal(6, gradient.Bands);
        CommandLine.Run("saliency", folder.File("1.png"), "-w", folder.File("run"), "-o", folder.File("no")).IsRefused(
            $"The model sees 2 images side by side, and '{folder.File("1.png")}' does not say which; give a table (.csv) with the columns board, template.");
    }

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence()
    {
        using (var image = Image.Black(Side, Side - 1))
            image.Pngsave(folder.File("low.png"));
        Assert.Contains(
            $"line 2: the image {folder.File("low.png")}: this image has 63 x 64 pixels (height x width), but '{folder.File("1.png")}', which it is read side by side with, has 64 x 64; give images of one size",
            Train(folder.Write("a.csv", "board,template,label\n1.png,low.png,a\n2.png,template.png,b\n")).Errors,
            StringComparison.Ordinal);
        Assert.Contains(
            "there is no column 'template'; the columns are board, label",
            Train(folder.Write("b.csv", "board,label\n1.png,a\n2.png,b\n")).Errors,
            StringComparison.Ordinal);
        Assert.Contains("the template is empty", Train(folder.Write("c.csv", "board,template,label\n1.png,,a\n2.png,template.png,b\n")).Errors,
            StringComparison.Ordinal);
        Assert.Contains(
            "folders do not tell which images are read side by side; list them in a CSV file with the columns board,template",
            Train(folder.Path).Errors,
            StringComparison.Ordinal);
        CommandLine.Run("train", folder.File("classes.csv"), "--inputs", "board").IsRefused(
            "--inputs names the columns of images that are read side by side, but 'board' is one alone; name at least two, or leave it out.");
        CommandLine.Run("train", folder.File("classes.csv"), "--inputs", "board,Board").IsRefused(
            "--inputs names the column 'board' 2 times; name each once.");
        CommandLine.Run("train", folder.File("classes.csv"), "--inputs", "board,template", "--normalize", "imagenet").IsRefused(
            "--normalize imagenet is for images of 3 channels, but these have 3 and 1; leave it out.");
    }

    private static CommandLine Train(string data) =>
        CommandLine.Run("train", data, "--inputs", "board,template", "--model", "sparse", "--tile", "32", "--validation", "0");

    private void Write(int number)
    {
        using var template = (Image.Xyz(Side, Side)[0] * 37 % 200).Cast(Enums.BandFormat.Uchar);
        template.Pngsave(folder.File("template.png"));
        var (left, top) = (8 + (number * 3), 30 - (number * 2));
        using var spot = Image.Black(12, 10).Invert().Embed(left, top, Side, Side);
        using var board = (spot > 0).Ifthenelse(255, template);
        using var coloured = board.Bandjoin([board, board]).Copy(interpretation: Enums.Interpretation.Srgb);
        coloured.Pngsave(folder.File($"{number}.png"));
        using var mask = (spot > 0) / 255;
        using var bytes = mask.Cast(Enums.BandFormat.Uchar);
        bytes.Pngsave(folder.File($"{number}.mask.png"));
    }
}
