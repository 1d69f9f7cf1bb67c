using System.Runtime.InteropServices;
using StreamingCnn.Imaging;

namespace StreamingCnn.Training.Serving;

/// <summary>One image cannot be predicted, and others still can. The message is one sentence that names the image.</summary>
public sealed class PredictionException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public PredictionException()
    {
    }

    /// <summary>Creates the exception with one sentence.</summary>
    public PredictionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public PredictionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>
    /// Runs what is done with one image; what goes wrong because of that image becomes a <see cref="PredictionException"/>.
    /// </summary>
    internal static T Of<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception failure) when (IsOfTheImage(failure))
        {
            // libtorch appends its own call stack.
            throw new PredictionException(failure.Message.Split('\n')[0], failure);
        }
    }

    // A layer that refuses an image refuses its size or its channels: the model has learned from others. Out of a backward pass all that
    // went wrong comes as libtorch's own exception.
    private static bool IsOfTheImage(Exception failure) => failure is ImageFormatException or TrainingException or IOException
        or InvalidDataException or UnauthorizedAccessException or ArgumentException or UnsupportedLayerException
        || (failure is ExternalException { InnerException: { } cause } && IsOfTheImage(cause));
}
