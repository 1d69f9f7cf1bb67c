using StreamingCnn.Execution;
using StreamingCnn.Interop;

namespace StreamingCnn;

/// <summary>The memory in which libtorch's tensors on a CPU live while streamed runs go on.</summary>
/// <remarks>
/// On Linux, a streamed run keeps the memory that its tiles have used for the tiles and runs to come, for all of the process. The
/// environment variable <c>STREAMINGCNN_HEAP=system</c> leaves all tensors to the C library instead: slower, and with more memory lost in
/// between.
/// </remarks>
public static class TensorMemory
{
    /// <summary>
    /// Gives memory that no tensor uses at present back to the system, for processes that go on with other work after a streamed run. Costs
    /// the next run the time to take it again.
    /// </summary>
    public static void Trim()
    {
        StreamingFunction.Release();
        TensorHeap.Trim();
    }
}
