namespace StreamingCnn.Imaging.DataSets;

/// <summary>What stands in the label columns of a table, judged when all of it is known.</summary>
/// <param name="options">What the columns mean.</param>
/// <param name="decimalComma">Whether semicolons separate the fields, so that 0,5 is a number.</param>
/// <param name="problems">Gets what is wrong.</param>
/// <param name="notes">Gets what is to be known.</param>
internal sealed class LabelColumns(CsvOptions options, bool decimalComma, DataProblems problems, List<string> notes)
{
    private const char Lost = '\ufffd';

    /// <summary>The class of each line.</summary>
    public string[] Classes(IReadOnlyList<(int Line, string Text)> labels)
    {
        var isClass = ClassNamesOf([.. labels.Select(label => label.Text)]);
        foreach (var (line, text) in labels.Where(label => !isClass(label.Text)))
        {
            if (TextProblem(text) is { } problem)
                problems.Add($"{options.LabelColumns[0]} {problem}", line);
            else if (!options.LiteralLabels && TextForm.IsMissing(text))
            {
                problems.Add(
                    $"{options.LabelColumns[0]} '{text}' stands for a missing value; fill it in, leave out the line, "
                        + "or ask for literal labels if a class is called so",
                    line);
            }
        }

        var texts = labels.Select(label => label.Text).ToArray();
        if (options.LiteralLabels)
            return texts;
        var merged = ClassNames.Merge(texts, options.KnownClasses, decimalComma, notes);
        return [.. texts.Select(text => merged.GetValueOrDefault(text, text))];
    }

    /// <summary>Whether each field of a column holds a value, and not what stands for a missing one.</summary>
    public bool[] Present(IReadOnlyList<string> texts)
    {
        var isClass = options.Labels == LabelKind.Class ? ClassNamesOf(texts) : _ => false;
        var isLiteral = options.Labels == LabelKind.Class && options.LiteralLabels;
        return [.. texts.Select(text => text.Length > 0 && (isClass(text) || isLiteral || !TextForm.IsMissing(text)))];
    }

    /// <summary>The numbers of each line; 0 where one cannot be read.</summary>
    public double[][] Numbers(IReadOnlyList<(int Line, string[] Texts)> labels)
    {
        var hasComma = decimalComma && labels.Any(row => row.Texts.Any(text => text.Contains(',', StringComparison.Ordinal)));
        if (hasComma)
            notes.Add("a comma in its numbers is read as the decimal point, since semicolons separate its columns");
        return [.. labels.Select(row => row.Texts.Select((text, column) => Number(text, row.Line, column, hasComma)).ToArray())];
    }

    /// <summary>Tells texts that are names of classes for certain, though they may look like a missing value.</summary>
    private Func<string, bool> ClassNamesOf(IReadOnlyList<string> texts)
    {
        // Where there is a plus, a minus is no sign of a missing value.
        var hasPlus = texts.Any(text => text is "+" or "++");
        var known = options.KnownClasses.ToHashSet(StringComparer.Ordinal);
        return text => known.Contains(text) || (hasPlus && text is "-" or "--");
    }

    private double Number(string text, int line, int column, bool hasComma)
    {
        if (options.Labels == LabelKind.MultiLabel && TableNumber.Truth(text) is { } truth)
            return truth ? 1 : 0;
        if (NumberProblem(text, hasComma, out var value) is { } problem)
            problems.Add($"{options.LabelColumns[column]} {problem}", line);
        return value;
    }

    private string? NumberProblem(string text, bool hasComma, out double value)
    {
        value = 0;
        if (TextProblem(text) is { } problem)
            return problem;
        if (TextForm.IsMissing(text))
            return $"'{text}' stands for a missing value; fill it in, or leave out the line";
        if (hasComma && text.Contains('.', StringComparison.Ordinal))
            return $"'{text}' has a point where other numbers have a comma; write all of them alike";
        if (!TableNumber.TryParse(text, decimalComma, out value))
            return !decimalComma && TableNumber.TryParse(text, decimalComma: true, out _)
                ? $"'{text}' is not a number; write a decimal point instead of the comma"
                : $"'{text}' is not a number";
        return options.Labels == LabelKind.MultiLabel && value is not (0 or 1) ? $"'{text}' is neither 0 nor 1" : null;
    }

    private static string? TextProblem(string text) =>
        text.Length == 0 ? "is empty"
        : text.Any(char.IsControl)
            ? $"'{text.ReplaceLineEndings(" ")}' holds a line break or another control character; a quotation mark may be missing before it"
        : text.Contains(Lost, StringComparison.Ordinal) ? $"'{text}' has lost a letter when the table was saved; save it anew as CSV UTF-8"
        : null;
}
