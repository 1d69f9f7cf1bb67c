namespace StreamingCnn.Training;

/// <summary>Training cannot go on. The message is one sentence that names the image or the number, and what to do.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Whether it is the loss that is no finite number, while the image holds none of those.</summary>
    internal bool IsDivergence { get; init; }

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
