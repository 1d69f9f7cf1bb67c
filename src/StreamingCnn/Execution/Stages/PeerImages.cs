using StreamingCnn.Distributed;
using StreamingCnn.Execution.Split;
using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// What processes that run images of their own at the same time tell each other of them, so that norms take the statistics of all: each has
/// small tensors of all images, in the order of processes, and gradients go back to whom they belong to.
/// </summary>
/// <param name="ranks">The processes.</param>
/// <param name="device">Device of the computation.</param>
internal sealed class PeerImages(ICommunicator ranks, Device device)
{
    private long[] starts = [];

    /// <summary>Before a run: gets to know how many images each process has. A run that asks for nothing has nobody wait.</summary>
    /// <param name="batch">Images of this one.</param>
    /// <param name="order">In which order small tensors of all images are asked for.</param>
    /// <exception cref="InvalidOperationException">Processes are about to ask in different orders: thrown by all.</exception>
    public void Begin(long batch, int[] order)
    {
        if (order.Length == 0)
            return;
        var all = new double[2 * ranks.Size];
        all[ranks.Rank] = batch;
        all[ranks.Size + ranks.Rank] = Agreement.Hash(string.Join(' ', order));
        ranks.Sum(all.AsSpan());
        if (Agreement.Other(all.AsSpan(ranks.Size)) is { } other)
        {
            throw new InvalidOperationException($"Rank {other} takes the statistics of its images in another order than rank 0; give all ranks the same network, and have the same of its weights learn.");
        }

        starts = new long[ranks.Size + 1];
        for (var rank = 0; rank < ranks.Size; rank++)
            starts[rank + 1] = starts[rank] + (long)all[rank];
    }

    /// <summary>Of one's own images' values, [N, ...], those of all processes' images, in float64.</summary>
    public Tensor Gather(Tensor own)
    {
        using var scope = NewDisposeScope();
        var all = zeros([starts[^1], .. own.shape[1..]], ScalarType.Float64, CPU);
        all.narrow(0, starts[ranks.Rank], own.shape[0]).copy_(own);
        ranks.Sum(all);
        return all.to(device).MoveToOuterDisposeScope();
    }

    /// <summary>Of what this process's loss says of all images, the gradient by its own images of all processes' losses.</summary>
    public Tensor Own(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var all = gradient.to(ScalarType.Float64).to(CPU).contiguous().clone();
        ranks.Sum(all);
        var (first, next) = (starts[ranks.Rank], starts[ranks.Rank + 1]);
        return all.narrow(0, first, next - first).to(device, copy: true).MoveToOuterDisposeScope();
    }
}
