using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Cli.Input;

namespace StreamingCnn.Cli.Commands;

/// <summary>A memory budget of streamed steps as a person asks for it.</summary>
/// <param name="Bytes">The amount; 0 where it is to be found out.</param>
/// <param name="Like">The method whose step says how much; null for the smallest budget that the planner accepts.</param>
internal sealed record BudgetChoice(long Bytes, StepMethod? Like = null)
{
    private const string Smallest = "smallest";

    private static readonly Dictionary<string, StepMethod> OnWholeImages = Enum.GetValues<StepMethod>().Where(method => !method.IsTiled())
        .ToDictionary(method => method.Name(), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a choice.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static BudgetChoice Parse(string text)
    {
        if (text.Equals(Smallest, StringComparison.OrdinalIgnoreCase))
            return new(0);
        if (OnWholeImages.TryGetValue(text, out var method))
            return new(0, method);
        if (text.Length == 0 || !text.All(char.IsAsciiLetter))
            return new(ByteSize.Parse(text));
        var (question, names) = (Suggestion.Ahead(text, [Smallest, .. OnWholeImages.Keys]), string.Join(", ", OnWholeImages.Keys));
        throw new FormatException(
            $"'{text}' is not a memory budget; {question}write an amount such as 512MiB or 4GiB, {Smallest}, "
            + $"or a method on the whole image: {names}.");
    }
}
