using System.Text;
using StreamingCnn.Geometry;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// Maps that users have written are told by samples: lengths, and each of the integer functions at seventeen places from one end to the
/// other.
/// </summary>
public class AxisMapTextTests
{
    private const long Length = 160;

    [Fact]
    public void Each_function_is_looked_at_from_one_end_to_the_other()
    {
        var same = Text(new Told(Length, Length));
        Assert.Equal(same, Text(new Told(Length, Length)));
        Assert.NotEqual(same, Text(new Told(Length, Length - 1)));
        Assert.NotEqual(same, Text(new Told(Length + 1, Length)));
        Assert.NotEqual(same, Text(new OtherName(Length, Length)));
        for (var sample = 0; sample <= 16; sample++)
        {
            var at = Length * sample / 16;
            Assert.NotEqual(same, Text(new Told(Length, Length) { OtherCut = at }));
            Assert.NotEqual(same, Text(new Told(Length, Length) { OtherRequired = at }));
            if (at == Length)
                continue;
            Assert.NotEqual(same, Text(new Told(Length, Length) { OtherFirst = at }));
            Assert.NotEqual(same, Text(new Told(Length, Length) { OtherSpan = at }));
        }
    }

    [Fact]
    public void Samples_are_no_proof_and_what_is_around_them_counts()
    {
        Assert.False(AxisMapText.Append(new StringBuilder(), new Told(Length, Length)));
        var text = new StringBuilder();
        Assert.False(AxisMapText.Append(text, new Composition(new IdentityMap(Length), new Told(Length, Length))));
        Assert.Contains(nameof(Told), text.ToString(), StringComparison.Ordinal);
        Assert.True(AxisMapText.Append(new StringBuilder(), new Composition(new IdentityMap(9), new IdentityMap(9))));
        // Where one text ends and the next one begins is seen.
        Assert.StartsWith("(StreamingCnn.Geometry.IdentityMap 9 9)", Text(new IdentityMap(9)), StringComparison.Ordinal);
    }

    private static string Text(AxisMap map)
    {
        var text = new StringBuilder();
        AxisMapText.Append(text, map);
        return text.ToString();
    }

    private sealed class OtherName(long length, long outputs) : Told(length, outputs);

    /// <summary>The identity, but for one place of one function.</summary>
    private class Told(long length, long outputs) : AxisMap(length, outputs)
    {
        public long OtherCut { get; init; } = -1;

        public long OtherRequired { get; init; } = -1;

        public long OtherFirst { get; init; } = -1;

        public long OtherSpan { get; init; } = -1;

        public override long VirtualCut(long input) => input == OtherCut ? input + 1 : input;

        public override long Required(long output) => output == OtherRequired ? output + 1 : output;

        public override AxisSpan Span(long first, long end) => new(first, end, 0, first == OtherSpan ? 1 : 0);

        protected override long FirstNeededBefore(long output) => output == OtherFirst ? output + 1 : output;
    }
}
