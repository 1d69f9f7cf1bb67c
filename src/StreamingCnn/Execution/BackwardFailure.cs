using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Carries an exception out of a backward pass. A managed exception may not cross libtorch's engine (it would end the process); the engine is
/// made to fail by itself instead, and the exception that reaches the caller is given the original's message and cause.
/// </summary>
/// <remarks>
/// Several passes may fail at once, in several threads. The engine names the shape that it expected, and the shape of
/// each run's anchor is its own: so each caller gets the sentence of his own run.
/// </remarks>
internal sealed class BackwardFailure
{
    private static readonly ConcurrentDictionary<long, Exception> Waiting = new();
    private static long runs;

    private readonly long run = Interlocked.Increment(ref runs);

    static BackwardFailure() => AppDomain.CurrentDomain.FirstChanceException += Explain;

    /// <summary>
    /// An operand of the run that requires a gradient, whatever the others are. It has no values; its shape tells the
    /// run.
    /// </summary>
    public Tensor Anchor() => empty(0, run).requires_grad_(true);

    /// <summary>
    /// A gradient that the engine refuses for the anchor: it has no dimension. The failure then comes out of <c>backward()</c> as an
    /// <see cref="ExternalException"/>, which takes over the message of <paramref name="cause"/>.
    /// </summary>
    public Tensor Refused(Exception cause)
    {
        Waiting[run] = cause;
        return tensor(0f);
    }

    private static void Explain(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        if (Waiting.IsEmpty || thrown.Exception is not ExternalException failure
            || RunIn(failure.Message) is not { } run || !Waiting.TryRemove(run, out var cause))
        {
            return;
        }

        MessageOf(failure) = cause.Message;
        CauseOf(failure) = cause;
    }

    /// <summary>
    /// The run whose anchor the engine names in "returned an invalid gradient at index 0 - got [] but expected shape
    /// compatible with [0, 17]".
    /// </summary>
    private static long? RunIn(string message)
    {
        const string Start = "invalid gradient at index 0 - got [] but expected shape compatible with [0, ";
        var at = message.IndexOf(Start, StringComparison.Ordinal);
        if (at < 0)
            return null;
        var digits = message.AsSpan(at + Start.Length);
        var end = digits.IndexOf(']');
        return end > 0 && long.TryParse(digits[..end], out var run) ? run : null;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_message")]
    private static extern ref string? MessageOf(Exception exception);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_innerException")]
    private static extern ref Exception? CauseOf(Exception exception);
}
