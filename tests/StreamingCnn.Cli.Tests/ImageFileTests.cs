using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>What the program says of image files, sound and damaged.</summary>
public class ImageFileTests
{
    /// <summary>Files of the folder of damaged ones that can be opened all the same.</summary>
    private static readonly string[] Sound = ["00-valid-base-for-tiff-edits.tif", "jpeg-bytes-named.png", "flipped-bytes.jpg"];

    [Fact]
    public void Every_damaged_file_gets_one_sentence()
    {
        var files = Directory.GetFiles(SharedFiles.Folder("data/bad"));
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var run = CommandLine.Run("info", file);
            if (Sound.Contains(Path.GetFileName(file)))
            {
                Assert.Equal((Program.Success, ""), (run.ExitCode, run.Errors));
                continue;
            }

            Assert.Equal(Program.Failure, run.ExitCode);
            Assert.StartsWith($"error: {file}: ", run.Errors);
            Assert.Single(run.Errors.TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public void Training_lists_every_damaged_file_with_its_line()
    {
        var files = Directory.GetFiles(SharedFiles.Folder("data/bad")).Order(StringComparer.Ordinal).ToList();
        using var folder = new TemporaryFolder();
        var list = folder.Write("data.csv", "image,label\n" + string.Join('\n', files.Select((file, i) => $"{file},{i % 2}")));

        var run = CommandLine.Run("train", list, "--output", folder.File("run"));

        Assert.Equal(Program.Failure, run.ExitCode);
        var sentences = run.Errors.TrimEnd().Split('\n').Skip(1).ToArray();
        var damaged = files.Select((file, i) => (file, Line: i + 2))
            .Where(one => !Sound.Contains(Path.GetFileName(one.file)))
            .Select(one => one.Line);
        Assert.Equal(damaged, sentences.SelectMany(NamedLines).Order());
        Assert.False(Directory.Exists(folder.File("run")));
    }

    /// <summary>The lines of a table that a sentence names at its beginning: "line 4", "lines 4, 5, 7 to 9".</summary>
    private static IEnumerable<int> NamedLines(string sentence)
    {
        foreach (var range in sentence[..sentence.IndexOf(':')].Replace("lines", "").Replace("line", "").Split(','))
        {
            var ends = range.Split(" to ").Select(int.Parse).ToArray();
            foreach (var line in Enumerable.Range(ends[0], ends[^1] - ends[0] + 1))
                yield return line;
        }
    }

    [Fact]
    public void Pixels_are_scaled_as_asked_for_and_the_weights_say_how()
    {
        using var folder = new TemporaryFolder();
        manual_seed(1);
        foreach (var i in Enumerable.Range(0, 4))
        {
            NumpyFile.Write(folder.File($"{i}.npy"), randint(0, 256, [40, 40, 3], ScalarType.Byte));
            NumpyFile.Write(folder.File($"grey{i}.npy"), randint(0, 256, [40, 40, 1], ScalarType.Byte));
        }

        string[] train = ["--epochs", "1", "--tile", "32", "--normalize", "imagenet", "--output"];
        var coloured = CommandLine.Run(
            ["train", folder.Write("data.csv", "image,label\n0.npy,a\n1.npy,b\n2.npy,a\n3.npy,b\n"), .. train, folder.File("run")]);
        Assert.Equal("", coloured.Errors);
        Assert.Contains(
            "\"mean\":\"0.485 0.456 0.406\"", File.ReadAllText(folder.File("run/last.safetensors"), System.Text.Encoding.Latin1));

        var grey = CommandLine.Run(
            [
                "train",
                folder.Write("grey.csv", "image,label\ngrey0.npy,a\ngrey1.npy,b\ngrey2.npy,a\ngrey3.npy,b\n"),
                .. train,
                folder.File("grey")
            ]);
        Assert.Equal(Program.Failure, grey.ExitCode);
        Assert.Contains("--normalize imagenet is for images of 3 channels, but these have 1; leave it out.", grey.Errors);
        Assert.False(Directory.Exists(folder.File("grey")));
    }

    [Fact]
    public void The_foreground_is_found_by_threshold_and_from_a_mask_and_trained_on()
    {
        using var folder = new TemporaryFolder();
        manual_seed(1);
        var picture = full([100, 80, 3], 230, ScalarType.Byte);
        picture.narrow(0, 20, 50).narrow(1, 10, 40).select(2, 1).fill_(90);
        var mask = zeros([100, 80, 1], ScalarType.Byte);
        mask.narrow(0, 20, 25).narrow(1, 0, 40).fill_(1);
        foreach (var i in Enumerable.Range(0, 4))
            NumpyFile.Write(folder.File($"{i}.npy"), picture);
        NumpyFile.Write(folder.File("mask.npy"), mask);

        var info = CommandLine.Run("info", folder.File("0.npy"), "--foreground", "--mask", folder.File("mask.npy"));
        Assert.Contains("foreground    25.0%, 75.0% is background; all of it in 50 x 40 px from row 20, column 10", info.Output);
        Assert.Contains("mask          12.5%, 87.5% is background; all of it in 25 x 40 px from row 20, column 0", info.Output);

        var list = folder.Write("data.csv", "image,label,mask\n0.npy,a,mask.npy\n1.npy,b,mask.npy\n2.npy,a,mask.npy\n3.npy,b,mask.npy\n");
        string[] train = ["train", list, "--epochs", "1", "--tile", "32", "--output"];
        var otsu = CommandLine.Run([.. train, folder.File("otsu"), "--foreground", "otsu"]);
        Assert.Equal("", otsu.Errors);
        Assert.Contains("cropped to their foreground: 25.0% of all pixels are used", otsu.Output);
        Assert.Contains("images up to 50 x 40 px", otsu.Output);
        var masked = CommandLine.Run(
            [.. train, folder.File("masked"), "--foreground", "mask", "--augment", "mirror,flip,turn", "--crop", "64x48"]);
        Assert.Equal("", masked.Errors);
        Assert.Contains("12.5% of all pixels are used; 12.5% are foreground, which alone count", masked.Output);

        var bare = folder.Write("bare.csv", "image,label\n0.npy,a\n1.npy,b\n");
        var missing = CommandLine.Run("train", bare, "--foreground", "mask", "--output", folder.File("bare"));
        Assert.Equal(Program.Failure, missing.ExitCode);
        Assert.Contains("lines 2, 3: the images ", missing.Errors);
        Assert.Contains("1.npy: it is to be cropped to its mask, but no mask is named for it", missing.Errors);
    }

    [Fact]
    public void A_part_with_a_slip_in_its_name_is_not_trained_on()
    {
        using var folder = new TemporaryFolder();
        NumpyFile.Write(folder.File("a.npy"), ones([40, 40, 3], ScalarType.Byte));
        NumpyFile.Write(folder.File("b.npy"), ones([40, 40, 3], ScalarType.Byte));
        var list = folder.Write("data.csv", "image,label,split\na.npy,x,train\nb.npy,y,tset\n");

        var run = CommandLine.Run("train", list, "--output", folder.File("run"));

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("b.npy: the part 'tset' is none of train, validation and test", run.Errors);
    }
}
