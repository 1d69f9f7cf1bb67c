using StreamingCnn.Distributed;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Split;

/// <summary>Several tensors in one piece of the processor's memory, on their way to another process or from it.</summary>
/// <remarks>One that has not ended is not disposed: who fails meanwhile leaves its memory to the library that may still use it.</remarks>
internal sealed class StripMessage : IDisposable
{
    private readonly Tensor memory;
    private IPendingMessage? pending;
    private long place;

    /// <param name="values">Number of values.</param>
    /// <param name="type">Their type.</param>
    public StripMessage(long values, ScalarType type)
    {
        using (TensorHeap.Lasting())
            memory = empty(values, type, CPU).DetachFromDisposeScope();
    }

    /// <summary>Appends values.</summary>
    public void Append(Tensor values)
    {
        using var scope = NewDisposeScope();
        Next(values.shape).copy_(values);
    }

    /// <summary>Appends a yes or a no.</summary>
    public void Append(bool flag)
    {
        using var scope = NewDisposeScope();
        using Scalar number = flag ? 1 : 0;
        Next(1).fill_(number);
    }

    /// <summary>The next values: a view, in the caller's scope.</summary>
    public Tensor Next(params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, length) => product * length);
        using var part = memory.narrow(0, place, count);
        place += count;
        return part.view(shape);
    }

    /// <summary>The next yes or no.</summary>
    public bool NextFlag()
    {
        using var scope = NewDisposeScope();
        return Next(1).to(ScalarType.Float64).item<double>() != 0;
    }

    /// <summary>Begins to send what was appended.</summary>
    public void Send(ICommunicator ranks, int to, int tag) => pending = ranks.Send(MessageMemory.Of(memory), to, tag);

    /// <summary>Begins to receive what is then taken.</summary>
    public void Receive(ICommunicator ranks, int from, int tag) => pending = ranks.Receive(MessageMemory.Of(memory), from, tag);

    /// <summary>Whether it has come, or was taken. Asking moves it on.</summary>
    public bool HasEnded() => pending!.HasEnded();

    /// <summary>Waits until it has come, or was taken.</summary>
    public void Wait() => pending!.Wait();

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();
}
