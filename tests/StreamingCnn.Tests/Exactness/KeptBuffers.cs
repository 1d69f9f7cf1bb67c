using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>What a network keeps from step to step besides its parameters: the running statistics of norms.</summary>
internal sealed class KeptBuffers
{
    private readonly (string Name, Tensor Buffer, Tensor First)[] buffers;

    public KeptBuffers(Module network) =>
        buffers = [.. network.named_buffers().Select(buffer => (buffer.name, buffer.buffer, buffer.buffer.clone()))];

    /// <summary>Makes it what it was at first.</summary>
    public void Restore()
    {
        using var grad = no_grad();
        foreach (var (_, buffer, first) in buffers)
            buffer.copy_(first);
    }

    /// <summary>Adds it to what a step gave.</summary>
    public void Take(StepResults results)
    {
        foreach (var (name, buffer, _) in buffers)
            results.AddStatistic(name, buffer);
    }
}
