using System.Runtime.CompilerServices;

namespace StreamingCnn.Tests;

/// <summary>
/// States a law that is checked millions of times: unlike with <c>Assert.True</c>, the message is composed only where it does not hold.
/// </summary>
internal static class Law
{
    public static void Holds(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref Counterexample counterexample)
    {
        if (!condition)
            Assert.Fail(counterexample.ToString());
    }

    [InterpolatedStringHandler]
    public ref struct Counterexample
    {
        private DefaultInterpolatedStringHandler text;

        public Counterexample(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            text = isNeeded ? new(literalLength, formattedCount) : default;
        }

        public void AppendLiteral(string value) => text.AppendLiteral(value);

        public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string format) => text.AppendFormatted(value, format);

        public override string ToString() => text.ToStringAndClear();
    }
}
