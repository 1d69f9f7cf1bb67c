namespace StreamingCnn;

/// <summary>A layer of the trunk cannot be streamed, or not as it is set or used. The message names it and says what to do.</summary>
public sealed class UnsupportedLayerException : NotSupportedException
{
    /// <summary>Creates the exception without a message.</summary>
    public UnsupportedLayerException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public UnsupportedLayerException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public UnsupportedLayerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception for one layer.</summary>
    /// <param name="path">The layer's path in the trunk, as in its parameters' names.</param>
    /// <param name="name">The layer's type.</param>
    /// <param name="reason">The end of the sentence: why, and what to do.</param>
    /// <param name="cause">What the reason was taken from.</param>
    internal UnsupportedLayerException(string path, string name, string reason, Exception? cause = null)
        : base($"{(path.Length == 0 ? "The trunk" : $"Layer '{path}'")} ({name}) {reason.TrimEnd('.')}.", cause) => Path = path;

    /// <summary>Whether the engine knows nothing of the layer, which may well be local.</summary>
    internal bool IsUnknown { get; init; }

    /// <summary>The layer's path in the trunk, such as <c>layer1.0.bn1</c>.</summary>
    public string Path { get; } = "";
}
