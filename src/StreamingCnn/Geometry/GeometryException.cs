namespace StreamingCnn.Geometry;

/// <summary>A layer cannot be applied to a map of the given length, as PyTorch would refuse it as well.</summary>
public sealed class GeometryException : ArgumentException
{
    /// <summary>Creates the exception without a message.</summary>
    public GeometryException()
    {
    }

    /// <summary>Creates the exception with one sentence that names the values and the constraint.</summary>
    public GeometryException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public GeometryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
