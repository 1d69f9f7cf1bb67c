using System.Globalization;
using System.Text.RegularExpressions;
using CsvHelper;
using CsvHelper.Configuration;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>A line of a table below its first.</summary>
/// <param name="Line">Its number in the file, from 1.</param>
/// <param name="Fields">A field for each column.</param>
internal sealed record TableRow(int Line, string[] Fields);

/// <summary>
/// A table with a line of names, separated by commas, semicolons or tabs, as people's programs write them: Excel's
/// first line <c>sep=;</c>, empty lines and columns without a name are passed over.
/// </summary>
internal sealed partial class Table
{
    private static readonly char[] Delimiters = [',', ';', '\t'];

    private Table(IReadOnlyList<string> columns, IReadOnlyList<TableRow> rows, char delimiter, int headerLine, IReadOnlyList<string> notes)
    {
        Columns = columns;
        Rows = rows;
        Delimiter = delimiter;
        HeaderLine = headerLine;
        Notes = notes;
    }

    /// <summary>Names of the columns; empty where a column has none.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The lines that hold anything and have as many fields as there are columns.</summary>
    public IReadOnlyList<TableRow> Rows { get; }

    /// <summary>What separates fields.</summary>
    public char Delimiter { get; }

    /// <summary>Number of the line that names the columns.</summary>
    public int HeaderLine { get; }

    /// <summary>What was passed over or guessed, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="imageColumns">Names of which the column of images has one: they tell what separates fields.</param>
    /// <param name="problems">Gets the lines that cannot be read.</param>
    /// <exception cref="DataSetException">The file is missing, no text, or empty.</exception>
    public static Table Read(string path, IReadOnlyList<string> imageColumns, DataProblems problems)
    {
        var (text, note) = TableText.Read(path);
        List<string> notes = note is null ? [] : [note];
        var given = DelimiterLine().Match(text);
        var skipped = given.Success ? 1 : 0;
        text = text[given.Length..];
        var delimiter = given.Success
            ? given.Groups[1].Value.Replace("\\t", "\t", StringComparison.Ordinal)[0]
            : Separator(text, imageColumns);
        using var reader = new StringReader(text);
        using var parser = new CsvParser(reader, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            TrimOptions = TrimOptions.Trim,
            BadDataFound = bad => problems.Add("a quotation mark is out of place", (bad.Context.Parser?.RawRow ?? 0) + skipped),
        });
        string[] names = [];
        while (names.All(name => name.Length == 0) && parser.Read())
            names = [.. parser.Record!.Select(TextForm.Clean)];
        if (names.Length == 0 || names.All(name => name.Length == 0))
            throw new DataSetException(path, ["the file is empty; its first line must name the columns, such as image,label"]);
        var headerLine = parser.RawRow + skipped;

        // Excel writes separators to the right of what is used, and R and pandas a column of numbers without a name at the left.
        var rows = new List<TableRow>();
        while (parser.Read())
        {
            var fields = parser.Record!;
            for (var i = 0; i < fields.Length; i++)
                fields[i] = TextForm.Trim(fields[i]);
            if (Array.TrueForAll(fields, field => field.Length == 0))
                continue;
            if (Fitted(fields, names) is { } fitted)
                rows.Add(new(parser.RawRow + skipped, fitted));
            else
                problems.Add($"{fields.Length} field(s) where the first line names {names.Length}", parser.RawRow + skipped);
        }

        return new(names, rows, delimiter, headerLine, notes);
    }

    /// <summary>The place of a column by name, upper and lower case being the same; -1 where there is none.</summary>
    public int Find(string name)
    {
        var wanted = TextForm.Clean(name);
        for (var i = 0; i < Columns.Count; i++)
        {
            if (wanted.Length > 0 && string.Equals(Columns[i], wanted, StringComparison.OrdinalIgnoreCase))
                return i;
        }

        return -1;
    }

    /// <summary>The names of the columns in a sentence.</summary>
    public string ColumnNames => string.Join(", ", Columns.Where(name => name.Length > 0));

    /// <summary>
    /// As many fields as there are columns: what is left over at the end must be empty, and what is missing without a
    /// name.
    /// </summary>
    private static string[]? Fitted(string[] fields, string[] names)
    {
        if (fields.Length == names.Length)
            return fields;
        if (fields.Skip(names.Length).Any(field => field.Length > 0) || names.Skip(fields.Length).Any(name => name.Length > 0))
            return null;
        return [.. fields.Take(names.Length), .. Enumerable.Repeat("", Math.Max(0, names.Length - fields.Length))];
    }

    /// <summary>The separator that leaves a column of images, and most columns.</summary>
    private static char Separator(string text, IReadOnlyList<string> imageColumns)
    {
        var line = text.TrimStart('\r', '\n').Split('\n', 2)[0];
        return Delimiters.MaxBy(delimiter =>
        {
            var names = line.Split(delimiter).Select(name => TextForm.Clean(name.Trim().Trim('"'))).ToArray();
            return (names.Any(name => imageColumns.Contains(name, StringComparer.OrdinalIgnoreCase)) ? 1000 : 0)
                + Math.Min(999, names.Length);
        });
    }

    [GeneratedRegex("""^\s*"?sep=(,|;|\t|\\t|\|)"?[ \t,;]*(\r\n|\n|\r|$)""", RegexOptions.IgnoreCase)]
    private static partial Regex DelimiterLine();
}
