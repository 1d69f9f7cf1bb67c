using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>A table with one more column.</summary>
public static class TableColumn
{
    /// <summary>
    /// The text of a table with one column more, its other fields and the order of its lines as they are, in UTF-8 where it is written.
    /// </summary>
    /// <param name="path">The table, as for <see cref="ImageDataSet.FromCsv"/>.</param>
    /// <param name="name">Name of the column.</param>
    /// <param name="values">The field of each line by its number, from 1.</param>
    /// <exception cref="DataSetException">The table cannot be read, or has a column of that name.</exception>
    public static string Append(string path, string name, IReadOnlyDictionary<int, string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var problems = new DataProblems();
        var table = Table.Read(path, ImageTable.ImageColumns, problems);
        if (table.Find(name) >= 0)
            problems.Add($"there is a column '{name}' already; take it out, or give it another name", table.HeaderLine);
        problems.ThrowIfAny(path);
        return Text(
            table.Delimiter,
            table.Rows.Select(row => (IEnumerable<string>)[.. row.Fields, values[row.Line]]).Prepend([.. table.Columns, name]));
    }

    /// <summary>A table of lines of fields.</summary>
    /// <param name="delimiter">What separates fields.</param>
    /// <param name="lines">The lines, the names of the columns first.</param>
    public static string Text(char delimiter, IEnumerable<IEnumerable<string>> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        // A first line must say what separates fields where that is none of what is looked for.
        if (delimiter is '|')
            text.Write("sep=|\n");
        var settings = new CsvConfiguration(CultureInfo.InvariantCulture) { Delimiter = delimiter.ToString(), NewLine = "\n" };
        using (var writer = new CsvWriter(text, settings, leaveOpen: true))
        {
            foreach (var line in lines)
            {
                foreach (var field in line)
                    writer.WriteField(field);
                writer.NextRecord();
            }
        }

        return text.ToString();
    }
}
