namespace StreamingCnn.Onnx;

/// <summary>A file is no ONNX model, is damaged, or cannot be read. The message is one sentence that names the file.</summary>
public sealed class OnnxFileException : IOException
{
    /// <summary>Creates the exception without a message.</summary>
    public OnnxFileException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public OnnxFileException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public OnnxFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
