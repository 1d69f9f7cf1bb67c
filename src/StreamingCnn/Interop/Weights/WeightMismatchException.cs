namespace StreamingCnn.Interop.Weights;

/// <summary>The weights of a file do not fit a module. The message names the first of each kind of misfit; here stand all.</summary>
public sealed class WeightMismatchException : WeightFileException
{
    /// <summary>Creates the exception without a message.</summary>
    public WeightMismatchException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public WeightMismatchException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public WeightMismatchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Names of the module that the file lacks.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Names of the file that the module lacks.</summary>
    public IReadOnlyList<string> Unexpected { get; init; } = [];

    /// <summary>Names that both have, with different shapes.</summary>
    public IReadOnlyList<string> WronglyShaped { get; init; } = [];

    /// <summary>
    /// Names that both have, whose values in the file are integers where the module has real numbers, or the other way
    /// round.
    /// </summary>
    public IReadOnlyList<string> WronglyTyped { get; init; } = [];
}
