using StreamingCnn.Cli.Input;

namespace StreamingCnn.Cli.Tests;

/// <summary>Whoever gives a file or a class its name does not give orders to the terminal of the person who uses it.</summary>
public sealed class PrintableTests : IDisposable
{
    private const string Evil = "a\u001b[2J\u001b]0;b\u0007\u009b31m";
    private const string Shown = @"a\u001B[2J\u001B]0;b\u0007\u009B31m";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("Grüße, 画像\tand\r\nlines", "Grüße, 画像\tand\r\nlines")]
    [InlineData(Evil, Shown)]
    [InlineData("back\b\b\b\bspace\0", @"back\u0008\u0008\u0008\u0008space\u0000")]
    public void Control_characters_are_shown(string text, string shown) => Assert.Equal(shown, Printable.Of(text));

    [Fact]
    public void Names_of_files_and_classes_are_shown_so()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows takes no such names.");
        TrainedModel.WriteImages(folder, "data", 4);
        Directory.Move(folder.File("data/dark"), folder.File($"data/{Evil}"));
        folder.Write($"{Evil}.png", "no picture");

        Check(CommandLine.Run("info", folder.File($"{Evil}.png")));
        Check(CommandLine.Run("train", folder.File("data"), "--dry-run", "--tile", "32"));
        Check(CommandLine.Run("train", folder.File(Evil)));

        static void Check(CommandLine run)
        {
            Assert.Contains(Shown, run.Output + run.Errors);
            Assert.DoesNotContain(run.Output + run.Errors, letter => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t'));
        }
    }
}
