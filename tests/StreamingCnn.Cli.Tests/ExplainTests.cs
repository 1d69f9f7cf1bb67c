namespace StreamingCnn.Cli.Tests;

/// <summary><c>scnn plan --explain</c>.</summary>
public class ExplainTests
{
    [Fact]
    public void Each_kind_of_tile_is_explained_instruction_by_instruction()
    {
        var (exit, output, _) = CommandLine.Run("plan", "--model", "small", "--size", "300x260", "--tile", "128", "--explain");

        Assert.Equal(0, exit);
        Assert.Contains("Kind 1 of ", output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^compute +1 \S+ .*from \d+ x \d+.* \d+\.\d\d MiB$", output);
        Assert.Matches(@"(?m)^leave strips ", output);
        Assert.Matches(@"(?m)^backwards ", output);
        // What a tile has is let go of.
        Assert.Equal(0.00, LastBytes(output));
    }

    private static double LastBytes(string output) => double.Parse(
        output.TrimEnd().Split('\n')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        System.Globalization.CultureInfo.InvariantCulture);
}
