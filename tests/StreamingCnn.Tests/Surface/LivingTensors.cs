using static TorchSharp.torch;

namespace StreamingCnn.Tests.Surface;

/// <summary>Counts tensors.</summary>
internal static class LivingTensors
{
    /// <summary>How many there are, when all that nobody holds has gone, also what other tests left to the garbage collector.</summary>
    public static long Count()
    {
        long before, after;
        do
        {
            before = Tensor.TotalCount;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            after = Tensor.TotalCount;
        }
        while (after < before);
        return after;
    }
}
