using System.Runtime.InteropServices;

namespace StreamingCnn.Cli;

/// <summary>
/// Ctrl-C, or a request to terminate. It ends the process with a sentence, unless there is work that can be finished and saved: then the
/// first is passed on, and a second one ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private volatile string? parting;

    /// <summary>Listens from now on.</summary>
    /// <param name="parting">What to say when the process ends.</param>
    public Interruption(string parting)
    {
        this.parting = parting;
        registrations =
            [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, Handle))];
    }

    /// <summary>Whether nothing is said: of several processes that are stopped together, one speaks.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Cancelled by the first signal after <see cref="PassOn"/>.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>From now on the first signal cancels the token, and nothing else.</summary>
    public void PassOn() => parting = null;

    /// <summary>From now on a signal ends the process.</summary>
    /// <param name="sentence">What to say then.</param>
    public void EndWith(string sentence) => parting = sentence;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (parting is { } sentence)
        {
            if (!IsSilent)
                Console.Error.WriteLine(sentence);
        }
        else if (!source.IsCancellationRequested)
        {
            context.Cancel = true;
            source.Cancel();
        }
    }
}
