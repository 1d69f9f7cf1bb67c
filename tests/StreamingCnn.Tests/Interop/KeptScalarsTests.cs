using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Interop;

public class KeptScalarsTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);

    /// <summary>TorchSharp's own <c>sum.add_(part)</c> fails here several times in the same time.</summary>
    [Fact]
    public void Sums_are_right_while_garbage_is_collected_all_the_time()
    {
        using var stop = new CancellationTokenSource(Duration);
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
                GC.Collect(0);
        });
        collector.Start();
        try
        {
            using var sum = zeros(64, ScalarType.Float64);
            using var part = ones(64, ScalarType.Float64);
            var additions = 0;
            for (; !stop.IsCancellationRequested; additions++)
                sum.Accumulate(part);
            Assert.Equal(additions, sum[0].item<double>());
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    [Fact]
    public void Operations_are_what_they_say()
    {
        using var scope = NewDisposeScope();
        var value = tensor(new double[] { 1, 2, 4 });

        Assert.Equal([2, 4, 8], value.Plus(value).data<double>().ToArray());
        Assert.Equal([4, 5, 7], value.Plus(3).data<double>().ToArray());
        Assert.Equal([1.5, 3, 6], value.Times(1.5).data<double>().ToArray());
        Assert.Equal([0.25, 0.5, 1], value.Over(4).data<double>().ToArray());
        Assert.Equal([false, true, true], value.IsAtLeast(2).data<bool>().ToArray());
        Assert.Equal(long.MaxValue - 1, tensor(new[] { (long.MaxValue / 2) }).Times(2L).item<long>());
    }
}
