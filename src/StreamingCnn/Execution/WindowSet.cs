using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>A rectangle of a map in memory.</summary>
/// <param name="Tensor">The values, [N, C, h, w].</param>
/// <param name="Region">Their positions in the map.</param>
/// <param name="IsExclusive">Whether nothing else refers to the memory, so that a next layer may overwrite it.</param>
internal readonly record struct MapWindow(Tensor Tensor, Region Region, bool IsExclusive) : IDisposable
{
    /// <summary>The window with the padding of zeros around it, in the same memory, and where it lies; null where there is none.</summary>
    public (Tensor Tensor, Region Region)? LaidOut { get; init; }

    /// <summary>Another handle to the same memory.</summary>
    public MapWindow Alias() => this with
    {
        Tensor = Tensor.alias().DetachFromDisposeScope(),
        LaidOut = LaidOut is var (tensor, region) ? (tensor.alias().DetachFromDisposeScope(), region) : null,
    };

    public void Dispose()
    {
        Tensor.Dispose();
        LaidOut?.Tensor.Dispose();
    }
}

/// <summary>The windows of the tile that runs, each freed after its last use.</summary>
internal sealed class WindowSet : IDisposable
{
    private readonly Dictionary<int, MapWindow> windows = [];
    private readonly int[] remaining;

    public WindowSet(TileRun run, int nodes)
    {
        remaining = new int[nodes];
        for (var node = 0; node < remaining.Length; node++)
            remaining[node] = run.Uses(node);
    }

    public MapWindow this[int node] => windows[node];

    public void Add(int node, MapWindow window) => windows.Add(node, window);

    /// <summary>Counts one use; frees the window after the last.</summary>
    public void Release(int node)
    {
        if (--remaining[node] == 0 && windows.Remove(node, out var window))
            window.Dispose();
    }

    public void Dispose()
    {
        foreach (var window in windows.Values)
            window.Dispose();
        windows.Clear();
    }
}
