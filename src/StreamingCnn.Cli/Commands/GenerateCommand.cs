using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.Export;
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
                density: CommonOptions.Real("--density", "Share of the 32 x 32 cells of the image that hold a digit, above 0 to 1.", 0.25, 1e-6, 1, "above 0 and at most 1"),
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
        };

    private sealed record KindDefaults(int Side, double Noise, int ContactColumns);

    private static AnnouncedCommand Kind(
        string name, string description, KindDefaults defaults, Option<double>? density, Option<int>? digit)
    {
        var output = new Option<string>("--output", "-o") { Description = "Folder to make; it must not hold a labels.csv yet.", Required = true };
        var count = CommonOptions.Number("--count", "Number of images.", 100, 1);
        var side = CommonOptions.Number("--side", "Height and width of the images in pixels.", defaults.Side, 64);
        var seed = CommonOptions.Number("--seed", "The same seed makes the same images.", 1, 0);
        var noise = CommonOptions.Real("--noise", "Brightest value of the noise in the background, 0 to 255.", defaults.Noise, 0, 255, "from 0 to 255");
        var validation = CommonOptions.Share("--validation", "Share of the images in the part 'validation', from 0 to below 1.", 0.1);
        var test = CommonOptions.Share("--test", "Share of the images in the part 'test', from 0 to below 1.", 0.1);
        var mnist = new Option<string?>("--mnist")
        {
            Description = "Folder of the MNIST files (train-images-idx3-ubyte.gz and so on). Default: digits drawn from strokes, which need no files.",
        };
        var format = CommonOptions.Parsed(
            "--format",
            "png, or tif for tiled pyramids, which are read window by window whatever their size.",
            text => text is "png" or "tif" ? text : throw new FormatException($"'{text}' is not a format for images; write png or tif."),
            "png");
        var sheet = new Option<string?>("--contact-sheet") { Description = "PNG file for a sheet of the first images with their labels." };
        var command = new AnnouncedCommand(name, description) { output, count, side, seed, noise, validation, test, mnist, format, sheet };
        if (density is not null)
            command.Add(density);
        if (digit is not null)
            command.Add(digit);
        command.FirstLine = parsed =>
            $"Making {parsed.GetValue(count)} images of {parsed.GetValue(side)} x {parsed.GetValue(side)} px in {parsed.GetValue(output)}.";
        command.SetAction(parsed =>
        {
            DigitBank Digits(string part) => parsed.GetValue(mnist) is { } folder ? MnistDigits.FromFolder(folder, part == "train") : new StrokeDigits();
            Func<int, DigitCanvas> Generator(string part) => density is null || digit is null
                ? new UltraMnistGenerator(parsed.GetValue(side), parsed.GetValue(seed), Digits(part), parsed.GetValue(noise)).Generate
                : new NeedleGenerator(parsed.GetValue(side), parsed.GetValue(seed), Digits(part), parsed.GetValue(density), parsed.GetValue(noise), parsed.GetValue(digit)).Generate;
            var parts = GeneratedSet.Divide(parsed.GetValue(count), parsed.GetValue(validation), parsed.GetValue(test));
            var set = new GeneratedSet([.. parts.Where(part => part.Count > 0).Select(part => (part.Name, part.Count, Generator(part.Name)))]);
            var path = parsed.GetValue(output)!;
            var labels = Show(set.Count, report => set.Write(path, parsed.GetValue(format)!, report));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{set.Count} images of {parsed.GetValue(side)} x {parsed.GetValue(side)} px in {path}: {string.Join(", ", parts.Where(part => part.Count > 0).Select(part => $"{part.Count} {part.Name}"))}."));
            Console.WriteLine($"Images of each label: {string.Join(", ", labels.Order().GroupBy(label => label).Select(group => $"{group.Key}: {group.Count()}"))}.");
            if (parsed.GetValue(sheet) is { } picture)
            {
                using var images = ContactSheet.Of(set.Images().Take(defaults.ContactColumns * defaults.ContactColumns), defaults.ContactColumns);
                ImageFile.Write(images, picture);
                Console.WriteLine($"Contact sheet: {picture}.");
            }

            return Program.Success;
        });
        return command;
    }

    /// <summary>Runs the work and shows how far it is: a bar on a terminal, a line for each tenth elsewhere.</summary>
    private static T Show<T>(int total, Func<Action<int>, T> work)
    {
        if (Console.IsOutputRedirected)
        {
            return work(done =>
            {
                if (done * 10 / total > (done - 1) * 10 / total)
                    Console.WriteLine($"{done} of {total} images");
            });
        }

        return AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var bar = context.AddTask("images", maxValue: total);
                return work(done => bar.Value = done);
            });
    }
}
