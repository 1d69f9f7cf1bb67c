using StreamingCnn.Distributed;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Ranks;

/// <summary>Weights and buffers on all ranks.</summary>
internal static class ModelState
{
    /// <summary>Gives all ranks those of the first.</summary>
    public static void OfFirst(ICommunicator ranks, IEnumerable<Tensor> state)
    {
        if (ranks.Size == 1)
            return;
        using var grad = no_grad();
        foreach (var value in state)
        {
            using var scope = NewDisposeScope();
            var given = value.detach().cpu().contiguous();
            ranks.Broadcast(given, 0);
            if (ranks.Rank > 0)
                value.copy_(given);
        }
    }
}
