namespace StreamingCnn.Imaging.DataSets;

/// <summary>A data set cannot be used. The message lists every problem found, one per line, each with its place.</summary>
public sealed class DataSetException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="path">The CSV file or folder.</param>
    /// <param name="problems">All problems, in the order of the file.</param>
    public DataSetException(string path, IReadOnlyList<string> problems)
        : base($"{path}: {problems.Count} problem(s) in this data set:\n  " + string.Join("\n  ", problems))
    {
        Path = path;
        Problems = problems;
    }

    /// <summary>The CSV file or folder.</summary>
    public string Path { get; }

    /// <summary>The problems, each one sentence with its line number or file.</summary>
    public IReadOnlyList<string> Problems { get; }
}
