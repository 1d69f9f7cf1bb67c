using System.Globalization;

namespace StreamingCnn.Training.Data;

/// <summary>Which classes masks have, as a person says it.</summary>
public sealed record MaskClasses
{
    /// <summary>Names of the classes and their values in masks.</summary>
    /// <value>The default value is none: each value that masks have is a class, called like it.</value>
    public IReadOnlyList<(string Name, long Value)> Classes { get; init; } = [];

    /// <summary>Values in masks of pixels that do not count.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<long> Ignored { get; init; } = [];

    /// <summary>The middle share of each side of a drawn box that is learned as its class, above 0 and at most 1.</summary>
    /// <value>The default value is null: whole boxes.</value>
    public double? BoxCore { get; init; }

    /// <summary>Whether what no shape of a drawn mask covers does not count; else it is of the first class.</summary>
    /// <value>The default value is false.</value>
    public bool IgnoresUnlabelled { get; init; }

    /// <summary>
    /// Reads names of classes, each alone, whose values are 0, 1 and so on, or all with their values, such as <c>tissue=255</c>.
    /// </summary>
    /// <param name="texts">The names.</param>
    /// <exception cref="FormatException">
    /// A name is empty or there twice, a value is no whole number, or some have a value and others none.
    /// </exception>
    public static IReadOnlyList<(string Name, long Value)> Parse(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var withValue = texts.Count(text => text.Contains('=', StringComparison.Ordinal));
        if (withValue > 0 && withValue < texts.Count)
            throw new FormatException(
                $"Of {texts.Count} classes {withValue} have a value; write name=value for all of them, or names alone for 0, 1 and so on.");
        var classes = texts.Select((text, place) => withValue > 0 ? Pair(text) : (Name: text.Trim(), Value: place)).ToArray();
        if (classes.FirstOrDefault(one => one.Name.Length == 0 || one.Name.Any(char.IsControl)) is { Name: { } unfit })
            throw new FormatException($"'{unfit}' is no name of a class; write a name.");
        if (classes.GroupBy(one => one.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new FormatException($"The class '{twice.Key}' is named {twice.Count()} times; name it once.");
        return classes;
    }

    private static (string Name, long Value) Pair(string text)
    {
        var end = text.LastIndexOf('=');
        return long.TryParse(text[(end + 1)..].Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? (text[..end].Trim(), value)
            : throw new FormatException($"'{text}' is no class with its value; write name=value, such as tissue=255.");
    }
}
