using System.CommandLine;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

public class BadInputTests
{
    [Theory]
    [
        InlineData(
            "--tile",
            "0",
            "'0' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.")
    ]
    [
        InlineData(
            "--tile",
            "-3x8",
            "'-3x8' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.")
    ]
    [
        InlineData(
            "--size",
            "big",
            "'big' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.")
    ]
    [InlineData("--memory", "-1GiB", "'-1GiB' is not an amount of memory; write a")]
    [InlineData(
        "--memory",
        "1MiB",
        "No tile fits into the memory budget of 1 MiB for an image of 640 x 512 pixels; the smallest budget that one fits into is")]
    [InlineData("--mode", "twice", "'twice' is not a mode; write exactly-once or overlap.")]
    [InlineData("--channels", "0", "0 is out of range for --channels; write a whole number of at least 1.")]
    [InlineData("--model", "resnet19", "There is no model 'resnet19'; did you mean resnet18 or resnet101? Or choose one that scnn plan --help lists.")]
    public void A_wrong_option_gets_one_sentence(string option, string value, string sentence)
    {
        // The image is small, so that where it comes to planning one, that takes no time.
        var run = CommandLine.Run(["plan", option, value, .. option == "--size" ? (string[])[] : ["--size", "640x512"]]);

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.StartsWith($"error: {sentence}", run.Errors);
        Assert.Single(run.Errors.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("trian", "There is no command 'trian'; did you mean train? Or see scnn --help.")]
    [InlineData("trian --demo", "There is no command 'trian'; did you mean train? Or see scnn --help.")]
    [InlineData("generate", "Say what to do; scnn generate --help lists the commands.")]
    [InlineData("train --demo --unknown 3", "There is no option '--unknown'; see scnn train --help.")]
    [InlineData("generate needles --sides=3 -o x",
        "There is no option '--sides'; did you mean --side? Or see scnn generate needles --help.")]
    [InlineData("plan 17", "'17' is one argument too many; see scnn plan --help.")]
    [InlineData("train --demo --rate 0", "0 is out of range for --rate; write one above 0.")]
    [InlineData("train --demo --momentum 1", "1 is out of range for --momentum; write one from 0 to below 1.")]
    [InlineData("train set.csv --downsample 0.5",
        "0.5 is out of range for --downsample; write one of at least 1: images can be made smaller, not larger.")]
    [
        InlineData(
            "train --demo --epochs 2 --freeze 3",
            "--freeze is 3, but the run has only 2 epochs; write a number from 0 to 2, or more --epochs.")
    ]
    [InlineData("train --demo --rate 0,001", "'0,001' is not a number; decimals are written with a point: --rate 0.001.")]
    [InlineData("train --demo --momentum 0.5", "--momentum is of --optimizer sgd alone; leave it out, or choose that optimizer.")]
    [InlineData("train --demo --plateau 3", "--plateau is of --schedule plateau alone; leave it out, or choose that schedule.")]
    [
        InlineData(
            "train --demo --warm-up 5000 --epochs 8",
            "--warm-up is 5000, but the run has only 120 updates, so it would end before; write a number below 120, or more --epochs.")
    ]
    [
        InlineData(
            "saliency a.png -w run -o maps --passes 3", "--passes is of --method smoothgrad alone; leave it out, or choose that method.")
    ]
    [InlineData("bench --tile 64 --memory 1GiB", "Only one of --tile and --memory can be given: each of them says the tiles.")]
    [InlineData("train --demo --optimizer lion", "'lion' is no value for --optimizer; write one of adamw, adam, sgd.")]
    [
        InlineData(
            "train --demo --augment blur",
            "'blur' is no change of images; write some of mirror, flip, turn, rotate, elastic, colour, stain, cutout, offset.")
    ]
    [InlineData("train set.csv --augment mirror,offset:0", "'offset:0' does not say how far images are moved; write the most pixels, from 1 to 4096, such as offset:4, and a share of the images behind it, such as offset:4:0.5.")]
    [InlineData("train set.csv --augment offset:-4", "'offset:-4' does not say how far images are moved; write the most pixels, from 1 to 4096, such as offset:4, and a share of the images behind it, such as offset:4:0.5.")]
    [InlineData("train set.csv --augment offset:4:1.5", "'offset:4:1.5' does not say how far images are moved; write the most pixels, from 1 to 4096, such as offset:4, and a share of the images behind it, such as offset:4:0.5.")]
    [InlineData("train set.csv --augment offset:4:0", "'offset:4:0' does not say how far images are moved; write the most pixels, from 1 to 4096, such as offset:4, and a share of the images behind it, such as offset:4:0.5.")]
    [InlineData("train set.csv --augment offset:4:1:1", "'offset:4:1:1' does not say how far images are moved; write the most pixels, from 1 to 4096, such as offset:4, and a share of the images behind it, such as offset:4:0.5.")]
    [InlineData("train set.csv --augment mirror,offset",
        "--augment offset moves images that are read side by side against the first of them, and there is one alone; name several by --inputs, or leave it out.")]
    [
        InlineData(
            "train --demo --mpp 1",
            "--demo trains on images of its own as they are, so it cannot be given together with --mpp; leave out one or the other.")
    ]
    [
        InlineData(
            "train set.csv --mpp 1 --downsample 2", "Only one of --downsample and --mpp can be given: each of them says the resolution.")
    ]
    [InlineData("saliency a.png -w run -o maps --percentile 0", "0 is out of range for --percentile; write one above 0 and at most 100.")]
    [InlineData("saliency a.png -w run", "Option '--output' is required.")]
    [InlineData("evaluate run set.csv --part dev", "'dev' is no part of a data set; write one of all, train, validation, test.")]
    [InlineData("generate needles -o x --density 2", "2 is out of range for --density; write one above 0 and at most 1.")]
    [InlineData("bench --method magic", "'magic' is not a method; write whole, kept, last, checkpoint, once, overlap or bfloat16.")]
    [InlineData("plan --carry-folder x", "--carry-folder x needs --carry file or --maps file, but the carry is kept on the device; add one of them, or leave out the folder.")]
    [InlineData("plan --maps disk", "'disk' is no value for --maps; write one of device, host, file.")]
    [InlineData("plan --pooling mean", "'mean' is no value for --pooling; write one of average, max, attention, lse, gem, topk.")]
    [InlineData("train --demo --pooling-number 3",
        "--pooling-number is of --pooling lse, gem and topk alone, and not of max; leave it out, or choose one of those.")]
    [InlineData("plan --pooling topk --pooling-number 2.5",
        "--pooling-number is 2.5, but --pooling topk takes a whole number of values; write one such as 10.")]
    [InlineData("saliency a.png -w run -o maps --method attention --target a",
        "--target a says which score is explained, but attention is the same for all of them; leave it out, or choose another method.")]
    [InlineData("plan --carry disk", "'disk' is no value for --carry; write one of device, host, file.")]
    [
        InlineData(
            "bench --size 512 --size 1024",
            "--size is given more than once, as 512 and as 1024; give it once, with its values separated by commas: --size 512,1024.")
    ]
    [
        InlineData(
            "evaluate run set.csv --labels a --labels b,c",
            "--labels is given more than once, as a and as b,c; give it once, with its values separated by commas: --labels a,b,c.")
    ]
    [
        InlineData(
            "bench --csv a.csv --csv b.csv --csv c.csv",
            "--csv is given more than once, as a.csv and as b.csv and as c.csv; leave out all but one.")
    ]
    [
        InlineData(
            "train set.csv --rate 0.1 --epochs 2 --rate 0.1", "--rate is given more than once, as 0.1 and as 0.1; leave out all but one.")
    ]
    [InlineData("verify --model small -m resnet18", "--model is given more than once, as small and as resnet18; leave out all but one.")]
    [InlineData("generate needles -o a --output=b", "--output is given more than once, as a and as b; leave out all but one.")]
    [InlineData("train set.csv --epoch 3", "There is no option '--epoch'; did you mean --epochs? Or see scnn train --help.")]
    [InlineData("train set.csv --learning-rate 3", "There is no option '--learning-rate'; see scnn train --help.")]
    [InlineData("saliency a.png -w run -o maps --overlay 3",
        "There is no option '--overlay'; did you mean --overlay-side? Or see scnn saliency --help.")]
    [InlineData("predict run a.png -w x", "There is no option '-w'; see scnn predict --help.")]
    [InlineData("generate needle -o x", "There is no command 'needle'; did you mean needles? Or see scnn generate --help.")]
    [InlineData("train --demo --epochs two", "'two' is not a number; --epochs takes a whole one of at least 1.")]
    [InlineData("train --demo --epochs 2.5", "2.5 is not a whole number; --epochs takes one of at least 1.")]
    [InlineData("train --demo --epochs 99999999999",
        "99999999999 is out of range for --epochs; write a whole number from 1 to 2147483647.")]
    [InlineData("train --demo --rate nan", "nan is out of range for --rate; write one above 0.")]
    [InlineData("train --demo --rate fast", "'fast' is not a number; --rate takes one above 0.")]
    [InlineData("generate megapixel-mnist -o x --side 100", "100 is out of range for --side; write a whole number of at least 192.")]
    [InlineData("generate needles -o x --digit 40", "40 is out of range for --digit; write a whole number from 8 to 28.")]
    [InlineData("saliency a.png -w run -o maps --blur -1", "-1 is out of range for --blur; write one of 0 or more pixels.")]
    [InlineData("saliency a.png -w run -o maps --level 1.5", "1.5 is not a whole number; --level takes one of at least 0.")]
    [InlineData("plan --memory 0MiB", "'0MiB' is too little memory; write at least 1 byte, such as 512MiB, 4GiB or 2GB.")]
    [InlineData("plan --memory 9999999999TiB",
        "'9999999999TiB' is more memory than any machine has; write an amount such as 512MiB, 4GiB or 2GB.")]
    [InlineData("plan --compute float8", "'float8' is no value for --compute; write one of parameters, bfloat16.")]
    public void A_wrong_command_line_gets_one_sentence(string line, string sentence)
    {
        var run = CommandLine.Run(line.Split(' '));

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Equal($"error: {sentence}", run.Errors.TrimEnd());
        // Nothing but what was to be done.
        Assert.True(run.Output.Split('\n').Length <= 2, run.Output);
    }

    /// <summary>Whatever the option, and even where its values are wrong as well.</summary>
    [Fact]
    public void No_option_of_any_command_takes_a_second_value()
    {
        using var interruption = new Interruption("");
        var checks = 0;
        foreach (var (line, option) in Commands(Program.CreateRoot(TextWriter.Null, interruption, new Job(TextWriter.Null)), [])
            .SelectMany(one => one.Command.Options.Select(option => (one.Line, option))))
        {
            if (option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool))
                continue;
            var sentence = $"{option.Name} is given more than once, as 7 and as 8; ";
            CommandLine.Run([.. line, option.Name, "7", option.Name, "8"]).IsRefused(option.ValueType.IsArray
                ? $"{sentence}give it once, with its values separated by commas: {option.Name} 7,8."
                : $"{sentence}leave out all but one.");
            checks++;
        }

        Assert.True(checks > 80, $"{checks} options were looked at.");

        static IEnumerable<(string[] Line, Command Command)> Commands(Command command, string[] line) =>
            command.Subcommands.SelectMany(sub => Commands(sub, [.. line, sub.Name])).Append((line, command));
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
        Assert.Contains(
            "b/nan.npy: it holds values that are not finite numbers, near row 0 and column 0; repair it or leave it out", run.Errors);
        Assert.False(File.Exists(folder.File("run/best.safetensors")));
    }
}
