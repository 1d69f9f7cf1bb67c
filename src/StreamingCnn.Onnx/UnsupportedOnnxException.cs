namespace StreamingCnn.Onnx;

/// <summary>A network in a file cannot be streamed, or not all of it is understood. The message names every node that is refused.</summary>
public sealed class UnsupportedOnnxException : NotSupportedException
{
    /// <summary>Creates the exception without a message.</summary>
    public UnsupportedOnnxException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public UnsupportedOnnxException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public UnsupportedOnnxException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    // More nobody reads, and a damaged file may have millions.
    private const int MostNamed = 100;

    /// <summary>Creates the exception for nodes of a file.</summary>
    internal UnsupportedOnnxException(string path, IReadOnlyList<NodeRefusal> refusals)
        : base($"'{path}' has {refusals.Count} node(s) that cannot be imported: {string.Join("; ", refusals.Take(MostNamed))}.") =>
            Refusals = refusals;

    /// <summary>The nodes that are refused, in the file's order.</summary>
    public IReadOnlyList<NodeRefusal> Refusals { get; } = [];
}
