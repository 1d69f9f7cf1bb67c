using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Runs;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>A dry run refuses what a training refuses, in the same words, and a training refuses before its first step.</summary>
public class RefusedBeforeTrainingTests
{
    private const string Plain = "image,label\n0.png,a\n1.png,b\n2.png,a\n3.png,b\n";

    [Theory]
    [InlineData("no resolution", "lines 2 to 5: the images ", "does not state its resolution; say it by --mpp-of", "--mpp", "0.5")]
    [InlineData("wrong channels", "lines 2 to 5: the images ", "1 channel(s), where 4 were asked for", "--channels", "4")]
    [InlineData("colour asked of grey", "", "--normalize imagenet is for images of 3 channels", "--normalize", "imagenet")]
    [InlineData("two columns", "", "--task classes takes one label column, but --labels names 2", "--labels", "label,image")]
    [InlineData("of without to", "", "--mpp-of says what resolution files have", "--mpp-of", "0.25")]
    [InlineData("literal numbers", "", "--literal-labels is of --task classes alone", "--task", "numbers", "--literal-labels")]
    [InlineData("no masks", "lines 2 to 5: the images ", "no mask is named for it", "--foreground", "mask")]
    [InlineData("no folder", "", "cannot be made", "--output", "{folder}/0.png/run")]
    [InlineData("no folder for the carry", "", "cannot be made", "--carry", "file", "--carry-folder", "{folder}/0.png/carry")]
    [
        InlineData(
            "few positions",
            "lines 2 to 5: the images ",
            "The 10 largest values are asked for, but the map has 1 x 1 positions",
            "--pooling",
            "topk")
    ]
    [InlineData("no weights", "", "There is no file", "--weights", "{folder}/none.pth")]
    public void What_a_training_refuses_a_dry_run_refuses(string what, string places, string reason, params string[] options)
    {
        using var folder = Images((20, 30), (20, 30), (20, 30), (20, 30));

        var errors = BothRefuse(
            folder, folder.Write("t.csv", Plain),
            [.. options.Select(option => option.Replace("{folder}", folder.Path, StringComparison.Ordinal))]);

        Assert.Contains(reason, errors);
        Assert.Contains(places, errors);
        Assert.NotEqual("", what);
    }

    [Fact]
    public void Images_that_are_too_small_are_named_with_their_lines()
    {
        using var folder = Images((200, 220), (200, 220), (8, 220), (200, 9), (8, 220));
        var table = folder.Write("t.csv", "image,label\n0.png,a\n1.png,b\n2.png,a\n3.png,b\n4.png,a\n");

        var errors = BothRefuse(folder, table, "--tile", "64");

        Assert.Contains("lines 4, 6: the images ", errors);
        Assert.Contains("line 5: the image ", errors);
        Assert.DoesNotContain("0.png", errors);
    }

    [Fact]
    public void Numbers_that_are_none_and_broken_masks_are_named_with_their_lines()
    {
        using var folder = Images((20, 30), (20, 30));
        using (var scope = NewDisposeScope())
        {
            NumpyFile.Write(folder.File("nan.npy"), full(20, 30, 1, double.NaN, ScalarType.Float32));
            NumpyFile.Write(folder.File("inf.npy"), full(20, 30, 1, double.PositiveInfinity, ScalarType.Float32));
        }

        folder.Write("mask.png", "no mask");
        var errors = BothRefuse(folder, folder.Write("t.csv", "image,label,mask\n0.png,a,\nnan.npy,b,\n1.png,a,mask.png\ninf.npy,b,\n"));

        Assert.Contains("lines 3, 5: the images nan.npy, inf.npy: it holds values that are not finite numbers", errors);
        Assert.Contains("line 4: the mask mask.png: this is a text file", errors);
    }

    [Fact]
    public void A_mixture_is_trained_with_the_cure_that_is_named()
    {
        using var folder = Images((20, 30), (20, 30));
        using (var colour = new TensorImageSource(rand(1, 3, 20, 30) * 255))
            ImageFile.Write(colour, folder.File("c.png"));
        var table = folder.Write("t.csv", "image,label\n0.png,a\nc.png,b\n1.png,b\n");

        Assert.Contains("line 3: the image ", BothRefuse(folder, table));
        var run = CommandLine.Run(
            "train", table, "--channels", "3", "--tile", "32", "--epochs", "1", "--validation", "0", "--output", folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Equal("3", Safetensors.ReadMetadata(folder.File("run/last.safetensors"))["channels"]);
    }

    [Fact]
    public void A_stated_resolution_goes_from_training_to_all_other_commands()
    {
        using var folder = Images((40, 60), (40, 60), (40, 60));
        var table = folder.Write("t.csv", "image,label,mpp\n0.png,a,0.25\n1.png,b,\n2.png,a,\n");
        var weights = folder.File("run/last.safetensors");

        var run = CommandLine.Run(
            "train", table, "--mpp", "0.5", "--mpp-of", "0.5", "--tile", "32", "--epochs", "1", "--validation", "0",
            "--output", folder.File("run"));
        Assert.Equal("", run.Errors);
        Assert.Equal("0.5", Safetensors.ReadMetadata(weights)["mpp-of"]);

        Assert.Equal("", CommandLine.Run("predict", weights, folder.File("0.png")).Errors);
        Assert.Equal("", CommandLine.Run("evaluate", weights, table, "--resamples", "0").Errors);
        Assert.Equal("", CommandLine.Run(
            "saliency", folder.File("0.png"), "--weights", weights, "--output", folder.File("s"), "--mpp-of", "0.25").Errors);
        Assert.Equal((20, 30), SizeOf(folder.File("s/0.saliency.tif")));
        // The same pixels at another resolution are another image, whichever way that is said.
        string Predicted(params string[] images) => CommandLine.Run(["predict", weights, .. images]).Output.Split('\n')[1].Split(',', 2)[1];
        Assert.Equal(Predicted(table), Predicted(folder.File("0.png"), "--mpp-of", "0.25"));
        Assert.NotEqual(Predicted(folder.File("0.png"), "--mpp-of", "0.25"), Predicted(folder.File("0.png")));
    }

    [Fact]
    public void Without_a_resolution_a_model_that_has_one_refuses_and_says_how_to_give_it()
    {
        using var folder = Images((40, 60));
        var preparation = new ImagePreparation { Channels = 3, MicrometresPerPixel = 0.5 };
        var description = TrainedModel.Description(TrainedModel.Classes) with { Preparation = preparation };
        using var model = description.Create();
        WeightFile.Save(model, folder.File("m.safetensors"), description.ToMetadata());

        Assert.Contains("say it by --mpp-of", CommandLine.Run("predict", folder.File("m.safetensors"), folder.File("0.png")).Errors);
        Assert.Contains(
            "say it by --mpp-of",
            CommandLine.Run("saliency", folder.File("0.png"), "-w", folder.File("m.safetensors"), "-o", folder.File("s")).Errors);
        Assert.Contains(
            "say it by --mpp-of",
            CommandLine.Run("evaluate", folder.File("m.safetensors"), folder.Write("t.csv", "image,label\n0.png,dark\n")).Errors);
    }

    [Theory]
    [InlineData("trailing.csv", "", "classes: a, b.")]
    [InlineData("cp1252_class.csv", "", "classes: gut, schön.")]
    [InlineData("nan.csv", "line 5: label 'nan' stands for a missing value", "")]
    [InlineData("folder", "", "Note: 2 file(s) that are no images are passed over: a/Thumbs.db, b/Thumbs.db.")]
    public void Tables_of_Excel_and_folders_of_Windows(string name, string refusal, string answer)
    {
        var path = Path.Combine(Testing.SharedFiles.Folder("cases/excel-and-windows-tables"), name);

        var run = CommandLine.Run("train", path, "--dry-run", "--tile", "64");

        Assert.Contains(refusal, run.Errors);
        Assert.Contains(answer, run.Output);
        Assert.Equal(refusal.Length == 0 ? Program.Success : Program.Failure, run.ExitCode);
    }

    private static string BothRefuse(TemporaryFolder folder, string table, params string[] options)
    {
        string[] output =
        [
            .. options.Contains("--output") ? [] : new[] { "--output", folder.File("run") },
            .. options.Contains("--tile") ? [] : new[] { "--tile", "32" },
        ];
        var dry = CommandLine.Run(["train", table, .. options, .. output, "--dry-run"]);
        var wet = CommandLine.Run(["train", table, .. options, .. output, "--epochs", "1"]);

        Assert.Equal(Program.Failure, dry.ExitCode);
        Assert.Equal(Program.Failure, wet.ExitCode);
        Assert.Equal(wet.Errors, dry.Errors);
        Assert.False(Directory.Exists(folder.File("run")));
        return dry.Errors;
    }

    private static (long Height, long Width) SizeOf(string path)
    {
        var info = ImageInfo.Read(path);
        return (info.Height, info.Width);
    }

    private static TemporaryFolder Images(params (int Height, int Width)[] sizes)
    {
        var folder = new TemporaryFolder();
        foreach (var (i, (height, width)) in sizes.Index())
        {
            manual_seed(i);
            using var image = new TensorImageSource(rand(1, 1, height, width) * 255);
            ImageFile.Write(image, folder.File($"{i}.png"));
        }

        return folder;
    }
}
