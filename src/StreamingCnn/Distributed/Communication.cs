using System.Text;
using static TorchSharp.torch;

namespace StreamingCnn.Distributed;

/// <summary>Messages that are waited for, over tensors, spans and texts.</summary>
public static class Communication
{
    /// <summary>Adds up a tensor over all ranks, in place.</summary>
    public static void Sum(this ICommunicator communicator, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        communicator.Sum(MessageMemory.Of(tensor)).Wait();
    }

    /// <summary>Adds up numbers over all ranks, in place.</summary>
    public static unsafe void Sum(this ICommunicator communicator, Span<double> numbers)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        fixed (double* first = numbers)
            communicator.Sum(new((nint)first, numbers.Length, MessageType.Double)).Wait();
    }

    /// <summary>Adds up numbers over all ranks, in place.</summary>
    public static unsafe void Sum(this ICommunicator communicator, Span<float> numbers)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        fixed (float* first = numbers)
            communicator.Sum(new((nint)first, numbers.Length, MessageType.Single)).Wait();
    }

    /// <summary>Gives all ranks a tensor that one holds.</summary>
    public static void Broadcast(this ICommunicator communicator, Tensor tensor, int from)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        communicator.Broadcast(MessageMemory.Of(tensor), from).Wait();
    }

    /// <summary>Gives all ranks bytes that one holds.</summary>
    public static unsafe void Broadcast(this ICommunicator communicator, Span<byte> bytes, int from)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        fixed (byte* first = bytes)
            communicator.Broadcast(new((nint)first, bytes.Length, MessageType.Byte), from).Wait();
    }

    /// <summary>Gives all ranks a text that one holds.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="text">The text; without meaning on all others.</param>
    /// <param name="from">Who holds it.</param>
    /// <returns>The text.</returns>
    public static string Broadcast(this ICommunicator communicator, string text, int from)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        ArgumentNullException.ThrowIfNull(text);
        var bytes = communicator.Rank == from ? Encoding.UTF8.GetBytes(text) : [];
        Span<double> length = [bytes.Length];
        communicator.Sum(length);
        if (communicator.Rank != from)
            bytes = new byte[(int)length[0]];
        communicator.Broadcast(bytes.AsSpan(), from);
        return communicator.Rank == from ? text : Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Gives all ranks the texts of all.</summary>
    /// <returns>Texts by rank.</returns>
    public static IReadOnlyList<string> Gather(this ICommunicator communicator, string text)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        return [.. Enumerable.Range(0, communicator.Size).Select(rank => communicator.Broadcast(text, rank))];
    }

    /// <summary>Waits for all ranks.</summary>
    public static void Meet(this ICommunicator communicator)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        communicator.Barrier().Wait();
    }
}
