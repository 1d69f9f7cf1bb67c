using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Carries an exception out of a backward pass. A managed exception may not cross libtorch's engine (it would end the process); the engine is
/// made to fail by itself instead, and the exception that reaches the caller is given the original's message and cause.
/// </summary>
internal static class BackwardFailure
{
    private const string EngineMessage = "returned an invalid gradient";

    /// <summary>
    /// A gradient that the engine refuses for an operand of one or more dimensions: it has none. The failure then comes out of
    /// <c>backward()</c> as an <see cref="ExternalException"/>, which takes over the message of <paramref name="cause"/>.
    /// </summary>
    public static Tensor Refused(Exception cause)
    {
        EventHandler<FirstChanceExceptionEventArgs>? explain = null;
        explain = (_, thrown) =>
        {
            if (thrown.Exception is not ExternalException failure || !failure.Message.Contains(EngineMessage, StringComparison.Ordinal))
                return;
            AppDomain.CurrentDomain.FirstChanceException -= explain;
            MessageOf(failure) = cause.Message;
            CauseOf(failure) = cause;
        };
        AppDomain.CurrentDomain.FirstChanceException += explain;
        return tensor(0f);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_message")]
    private static extern ref string? MessageOf(Exception exception);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_innerException")]
    private static extern ref Exception? CauseOf(Exception exception);
}
