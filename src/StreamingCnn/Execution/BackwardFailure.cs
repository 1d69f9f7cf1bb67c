using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Carries an exception out of one run's backward pass. A managed exception may not cross libtorch's engine (it would end the process); the
/// engine is made to fail by itself instead, and the exception that reaches the caller is given the original's message and cause.
/// </summary>
/// <remarks>
/// <para>
/// The engine's sentence is its own: of ours it holds no words, only the shape that it expected. A node that TorchSharp makes has no name
/// to lend, and a script can fail with any sentence, but only in calls of our own, out of which nothing may be thrown.
/// What throws is TorchSharp's <c>backward()</c>, which belongs to nobody here. So the exception is met where it is thrown.
/// </para>
/// <para>
/// Nothing listens until a run has failed. Then its own handler does, until the exception with the shape of its own
/// anchor comes: several passes may fail at once, in several threads, and each caller gets the sentence of his own run.
/// </para>
/// </remarks>
internal sealed class BackwardFailure
{
    private static long runs;

    private readonly long run = Interlocked.Increment(ref runs);
    private Exception? waiting;

    /// <summary>
    /// An operand of the run that requires a gradient, whatever the others are. It has no values; its shape tells the
    /// run.
    /// </summary>
    public Tensor Anchor() => empty(0, run, device: CPU).requires_grad_(true);

    /// <summary>
    /// A gradient that the engine refuses for the anchor: it has no dimension. The failure then comes out of <c>backward()</c> as an
    /// <see cref="ExternalException"/>, which takes over the message of <paramref name="cause"/>.
    /// </summary>
    public Tensor Refused(Exception cause)
    {
        if (Interlocked.Exchange(ref waiting, cause) is null)
            AppDomain.CurrentDomain.FirstChanceException += Explain;
        return tensor(0f, device: CPU);
    }

    private void Explain(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        if (thrown.Exception is not ExternalException failure || !IsOfThisRun(failure.Message)
            || Interlocked.Exchange(ref waiting, null) is not { } cause)
            return;
        AppDomain.CurrentDomain.FirstChanceException -= Explain;
        MessageOf(failure) = cause.Message;
        CauseOf(failure) = cause;
    }

    /// <summary>
    /// Whether the engine names this run's anchor, in "returned an invalid gradient at index 0 - got [] but expected shape compatible with
    /// [0, 17]".
    /// </summary>
    private bool IsOfThisRun(string message) =>
        message.Contains($"invalid gradient at index 0 - got [] but expected shape compatible with [0, {run}]", StringComparison.Ordinal);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_message")]
    private static extern ref string? MessageOf(Exception exception);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_innerException")]
    private static extern ref Exception? CauseOf(Exception exception);
}
