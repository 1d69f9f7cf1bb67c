namespace StreamingCnn.Interop.Weights;

/// <summary>A file of weights cannot be read, or does not fit the module. The message is one sentence that names the file.</summary>
public class WeightFileException : IOException
{
    /// <summary>Creates the exception without a message.</summary>
    public WeightFileException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public WeightFileException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public WeightFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
