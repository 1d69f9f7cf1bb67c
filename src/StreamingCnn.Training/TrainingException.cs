namespace StreamingCnn.Training;

/// <summary>Training cannot go on. The message is one sentence that names the image or the number, and what to do.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public TrainingException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public TrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
