namespace StreamingCnn.Imaging;

/// <summary>
/// A file cannot be read as the image that was asked for. The message is one sentence: which file, what is wrong, what to do.
/// </summary>
public sealed class ImageFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="path">The file or folder in question.</param>
    /// <param name="problem">What is wrong and what to do; follows the path in the message.</param>
    /// <param name="inner">The cause, if another error brought it to light.</param>
    public ImageFormatException(string path, string problem, Exception? inner = null)
        : base($"{path}: {problem}", inner)
    {
        Path = path;
        Problem = problem;
    }

    /// <summary>The system does not let the file be opened or read.</summary>
    internal static ImageFormatException Unreadable(string path, Exception error) =>
        new(path, $"it cannot be read: {error.Message.TrimEnd('.')}.", error);

    /// <summary>The file or folder in question.</summary>
    public string Path { get; }

    /// <summary>The message without the path.</summary>
    public string Problem { get; }
}
