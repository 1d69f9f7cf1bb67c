using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Puts a map together again from its rectangles, and counts how often each position comes.</summary>
internal sealed class CollectingSink : IMapSink, IDisposable
{
    private static readonly Scalar Once = 1;

    private Tensor? map;
    private Tensor? times;

    /// <summary>The map, once all of it has come, each position once.</summary>
    public Tensor Map
    {
        get
        {
            Assert.True(times!.eq(Once).all().item<bool>(), "A position came not at all, or more than once.");
            return map!;
        }
    }

    public void Begin(long batch, long channels, long height, long width)
    {
        Assert.Null(map);
        map = empty([batch, channels, height, width], ScalarType.Float64).Filled(double.NaN).DetachFromDisposeScope();
        times = zeros(height, width).DetachFromDisposeScope();
    }

    public void Write(long top, long left, Tensor values)
    {
        using var scope = NewDisposeScope();
        map!.narrow(2, top, values.shape[2]).narrow(3, left, values.shape[3]).copy_(values);
        times!.narrow(0, top, values.shape[2]).narrow(1, left, values.shape[3]).Accumulate(1);
    }

    public void Dispose()
    {
        map?.Dispose();
        times?.Dispose();
    }
}
