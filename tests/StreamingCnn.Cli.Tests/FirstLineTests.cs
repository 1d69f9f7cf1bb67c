using System.CommandLine;
using StreamingCnn.Cli.Input;
using StreamingCnn.Cli.Tests.Survival;

namespace StreamingCnn.Cli.Tests;

/// <summary>Every command says what it does before it does anything.</summary>
public class FirstLineTests
{
    /// <summary>Where libtorch cannot be loaded, what is printed all the same was printed before it.</summary>
    [Theory]
    [InlineData("train images.csv", "Training on images.csv.")]
    [InlineData("train --resume run", "Going on with the run in run.")]
    [InlineData("train --demo --dry-run", "Looking at a training on images made on the spot.")]
    [InlineData("evaluate run images.csv", "Judging run on images.csv.")]
    [InlineData("predict run a.png", "Predicting with run.")]
    [InlineData("verify --model small --size 128 --tile 64", "small, 1 x 3 x 128 x 128 px, tile 64 x 64, exactly-once, float64")]
    [InlineData("plan --model small --size 128x96", "Planning a training step of small on 128 x 96 px.")]
    [InlineData("bench --model small --method last,checkpoint", "Measuring a training step of small: last, checkpoint.")]
    [InlineData("info a.png", "Reading a.png.")]
    [InlineData("generate needles -o folder --count 3 --side 64", "Making 3 images of 64 x 64 px in folder.")]
    [InlineData("generate megapixel-mnist -o folder --train 3 --test 2 --side 200", "Making 5 images of 200 x 200 px in folder.")]
    [InlineData("features run a.png -o folder", "Computing features with run.")]
    [InlineData("compare a b", "Comparing a, b.")]
    [InlineData("saliency a.png -w run -o folder", "Explaining a.png with run.")]
    public void It_stands_there_before_libraries_are_loaded(string line, string expected)
    {
        using var program = ProgramProcess.StartWith(("SCNN_LIBTORCH", "nowhere"), line.Split(' '));
        var run = program.Finish();

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.StartsWith("error: The environment variable SCNN_LIBTORCH is 'nowhere'", run.Errors.Split('\n')[^2]);
        // Predictions are for other programs.
        var isData = line.StartsWith("predict", StringComparison.Ordinal);
        Assert.Equal(expected, (isData ? run.Errors : run.Output).Split('\n')[0]);
        Assert.Equal(isData, run.Output.Length == 0);
    }

    [Fact]
    public void There_is_one_for_every_command()
    {
        using var interruption = new Interruption("");
        var commands = Leaves(Program.CreateRoot(TextWriter.Null, interruption, new Job(TextWriter.Null)))
            .Where(command => !command.Hidden)
            .ToArray();

        Assert.True(commands.Length >= 10);
        Assert.All(commands, command => Assert.NotNull(Assert.IsType<AnnouncedCommand>(command).FirstLine));

        static IEnumerable<Command> Leaves(Command command) =>
            command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);
    }
}
