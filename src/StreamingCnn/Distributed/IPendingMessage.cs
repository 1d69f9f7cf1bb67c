namespace StreamingCnn.Distributed;

/// <summary>A message that was started.</summary>
public interface IPendingMessage
{
    /// <summary>Whether it has ended. Asking moves it on.</summary>
    /// <exception cref="CommunicatorException">Another rank has failed, or the message cannot be delivered.</exception>
    bool HasEnded();

    /// <summary>Waits until it has ended.</summary>
    /// <exception cref="CommunicatorException">Another rank has failed, or the message cannot be delivered.</exception>
    void Wait();
}
