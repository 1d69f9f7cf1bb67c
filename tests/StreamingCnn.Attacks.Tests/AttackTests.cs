using System.Globalization;
using StreamingCnn.Attacks.Tests.Running;

namespace StreamingCnn.Attacks.Tests;

/// <summary>
/// Whatever a file holds, its reader reads it or refuses it by its own exception with one sentence: no other exception,
/// no crash, and no more time or memory than a file of its size can be worth.
/// </summary>
public sealed class AttackTests
{
    /// <summary>Damaged files for each reader, in place of those few that CI has time for.</summary>
    private const string CountVariable = "SCNN_ATTACKS";

    /// <summary>Other damage than CI's.</summary>
    private const string SeedVariable = "SCNN_ATTACKS_SEED";

    public static TheoryData<string> Readers() => [.. Targets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Readers))]
    public void No_file_does_harm(string reader)
    {
        var target = Targets.All.Single(target => target.Name == reader);
        Assert.SkipWhen(target.Samples().Count == 0, "What writes files of this format is not installed.");
        var count = Number(CountVariable) ?? target.Share;
        var (problems, read) = new Attack(target, Number(SeedVariable) ?? 1, count).Run();
        Assert.True(problems.Count == 0, string.Join(Environment.NewLine, problems.Take(20).Append($"{problems.Count} of {read} files")));
        Assert.InRange(read, count + 1, count + 1000);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
