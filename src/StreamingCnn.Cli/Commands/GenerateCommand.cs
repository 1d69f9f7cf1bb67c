using System.CommandLine;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.Generators;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn generate</c>: labelled images for experiments, made on the spot.</summary>
internal static class GenerateCommand
{
    public static Command Create() =>
        new("generate", "Make labelled images for experiments: a folder of files and a list labels.csv (image,label,split).")
        {
            Kind(
                "needles",
                "Digits all over a dark image; label 1 where exactly one of them is a 3, label 0 where none is.",
                new KindDefaults(Side: 1024, Noise: 0, ContactColumns: 4),
                density: CommonOptions.Real(
                    "--density",
                    "Share of the 32 x 32 cells of the image that hold a digit, above 0 to 1.",
                    0.25,
                    1e-6,
                    1,
                    "above 0 and at most 1"),
                digit: CommonOptions.Parsed(
                    "--digit",
                    "Height and width of the digits in pixels, 8 to 28. Small ones are lost when images are shrunk.",
                    text => NumberText.Whole(text, "--digit", NeedleGenerator.LeastDigitSide, DigitBank.Side),
                    "28")),
            Kind(
                "ultramnist",
                "3 to 5 digits of very different sizes on noise; the label is their sum, 0 to 27.",
                new KindDefaults(Side: 4000, Noise: 64, ContactColumns: 6),
                density: null,
                digit: null),
            MegapixelMnist(),
        };

    private sealed record KindDefaults(int Side, double Noise, int ContactColumns);

    private static AnnouncedCommand MegapixelMnist()
    {
        var options = new GeneratedFiles(side: 1500, leastSide: MegapixelMnistGenerator.LeastSide);
        var train = CommonOptions.Number("--train", "Number of images in the part 'train', of MNIST's training digits.", 5000, 1);
        var test = CommonOptions.Number("--test", "Number of images in the part 'test', of MNIST's test digits.", 1000, 0);
        var noise = CommonOptions.Number("--noise", "Squares of noise in each image: two lines, drawn over what lies below.", 50, 0);
        var command = options.AddTo(
            new AnnouncedCommand(
                "megapixel-mnist",
                "Five digits and 50 squares of noise on a large black image, as published with attention sampling (arXiv 1905.03711); "
                + "the label is the digit that is there three times.")
            {
                train, test, noise,
            },
            parsed => parsed.GetValue(train) + parsed.GetValue(test));
        command.SetAction(parsed =>
        {
            var parts = new[] { ("train", parsed.GetValue(train)), ("test", parsed.GetValue(test)) };
            return options.Write(parsed, parts, Generator, contactColumns: 3);

            Func<int, DigitCanvas> Generator(string part) => new MegapixelMnistGenerator(
                parsed.GetValue(options.Side),
                parsed.GetValue(options.Seed),
                options.Digits(parsed, part),
                parsed.GetValue(noise),
                part == "train" ? 0 : 1).Generate;
        });
        return command;
    }

    private static AnnouncedCommand Kind(
        string name, string description, KindDefaults defaults, Option<double>? density, Option<int>? digit)
    {
        var options = new GeneratedFiles(defaults.Side, leastSide: 64);
        var count = CommonOptions.Number("--count", "Number of images.", 100, 1);
        var noise = CommonOptions.Real(
            "--noise", "Brightest value of the noise in the background, 0 to 255.", defaults.Noise, 0, 255, "from 0 to 255");
        var validation = CommonOptions.Share("--validation", "Share of the images in the part 'validation', from 0 to below 1.", 0.1);
        var test = CommonOptions.Share("--test", "Share of the images in the part 'test', from 0 to below 1.", 0.1);
        var command = options.AddTo(
            new AnnouncedCommand(name, description) { count, noise, validation, test }, parsed => parsed.GetValue(count));
        if (density is not null)
            command.Add(density);
        if (digit is not null)
            command.Add(digit);
        command.SetAction(parsed =>
        {
            var (side, seed) = (parsed.GetValue(options.Side), parsed.GetValue(options.Seed));
            Func<int, DigitCanvas> Generator(string part) => density is null || digit is null
                ? new UltraMnistGenerator(side, seed, options.Digits(parsed, part), parsed.GetValue(noise)).Generate
                : new NeedleGenerator(
                    side,
                    seed,
                    options.Digits(parsed, part),
                    parsed.GetValue(density),
                    parsed.GetValue(noise),
                    parsed.GetValue(digit)).Generate;
            var parts = GeneratedSet.Divide(parsed.GetValue(count), parsed.GetValue(validation), parsed.GetValue(test));
            return options.Write(parsed, parts, Generator, defaults.ContactColumns);
        });
        return command;
    }
}
