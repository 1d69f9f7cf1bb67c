using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Generators;

namespace StreamingCnn.Cli.Commands;

/// <summary>What all kinds of <c>scnn generate</c> have in common: their options, and how the files are written.</summary>
/// <param name="side">Height and width of an image where they are not given.</param>
/// <param name="leastSide">The least that may be given.</param>
internal sealed class GeneratedFiles(int side, int leastSide)
{
    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "Folder to make; it must not hold a labels.csv yet.",
        Required = true,
    };

    private readonly Option<string?> mnist = new("--mnist")
    {
        Description = "Folder of the MNIST files (train-images-idx3-ubyte.gz and so on). "
            + "Default: digits drawn from strokes, which need no files.",
    };

    private readonly Option<string> format = CommonOptions.Parsed(
        "--format",
        "png, or tif for tiled pyramids, which are read window by window whatever their size.",
        text => text is "png" or "tif" ? text : throw new FormatException($"'{text}' is not a format for images; write png or tif."),
        "png");

    private readonly Option<string?> sheet = new("--contact-sheet")
    {
        Description = "PNG file for a sheet of the first images with their labels.",
    };

    public Option<int> Side { get; } = CommonOptions.Number("--side", "Height and width of the images in pixels.", side, leastSide);

    public Option<int> Seed { get; } = CommonOptions.Number("--seed", "The same seed makes the same images.", 1, 0);

    /// <summary>Gives a command these options and its first line.</summary>
    public AnnouncedCommand AddTo(AnnouncedCommand command, Func<ParseResult, int> count)
    {
        foreach (var option in (Option[])[output, Side, Seed, mnist, format, sheet])
            command.Add(option);
        command.FirstLine = parsed =>
            $"Making {count(parsed)} images of {parsed.GetValue(Side)} x {parsed.GetValue(Side)} px in {parsed.GetValue(output)}.";
        return command;
    }

    /// <summary>Digits for a part: MNIST's training digits are for the part <c>train</c> alone.</summary>
    public DigitBank Digits(ParseResult parsed, string part) =>
        parsed.GetValue(mnist) is { } folder ? MnistDigits.FromFolder(folder, part == "train") : new StrokeDigits();

    /// <summary>Writes the images of all parts that have some, and says what was written.</summary>
    public int Write(
        ParseResult parsed,
        IReadOnlyList<(string Name, int Count)> parts,
        Func<string, Func<int, DigitCanvas>> generator,
        int contactColumns)
    {
        var filled = parts.Where(part => part.Count > 0).ToArray();
        var set = new GeneratedSet([.. filled.Select(part => (part.Name, part.Count, generator(part.Name)))]);
        var path = parsed.GetValue(output)!;
        var labels = Show(set.Count, report => set.Write(path, parsed.GetValue(format)!, report));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{set.Count} images of {parsed.GetValue(Side)} x {parsed.GetValue(Side)} px in {path}: "
            + $"{string.Join(", ", filled.Select(part => $"{part.Count} {part.Name}"))}."));
        var counts = labels.Order().GroupBy(label => label).Select(group => $"{group.Key}: {group.Count()}");
        Console.WriteLine($"Images of each label: {string.Join(", ", counts)}.");
        if (parsed.GetValue(sheet) is { } picture)
        {
            using var images = ContactSheet.Of(set.Images().Take(contactColumns * contactColumns), contactColumns);
            ImageFile.Write(images, picture);
            Console.WriteLine($"Contact sheet: {picture}.");
        }

        return Program.Success;
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
