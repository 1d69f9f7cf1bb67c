namespace StreamingCnn.Distributed;

/// <summary>Processes cannot work together, or one of them has failed. The message is one sentence.</summary>
public sealed class CommunicatorException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public CommunicatorException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public CommunicatorException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public CommunicatorException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
