using StreamingCnn.Interop;
using StreamingCnn.Tests.Interop.HeapProcesses;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Interop;

public sealed class TensorHeapTests
{
    public TensorHeapTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The heap is for Linux.");
        TensorHeap.Begin();
        Assert.SkipWhen(TensorHeap.Passing is null, "The heap cannot be used with this C library.");
    }

    [Fact]
    public void Large_tensors_lie_in_the_heap_and_small_ones_where_they_always_did()
    {
        using var large = ones(100_000);
        using var small = ones(100);
        using (TensorHeap.Lasting())
        {
            using var lasting = ones(100_000);
            Assert.True(TensorHeap.Holds(ComputedStep.Address(lasting)));
        }

        Assert.True(TensorHeap.Holds(ComputedStep.Address(large)));
        Assert.False(TensorHeap.Holds(ComputedStep.Address(small)));
        Assert.Equal(0, ComputedStep.Address(large) % 64);
    }

    [Fact]
    public void Tensors_of_many_threads_keep_their_values() => UseManyThreads();

    [Fact]
    public void Tensors_keep_their_values_while_runs_take_more_than_they_said()
    {
        const long Bytes = 4 << 20;
        TensorHeap.Expect(Bytes, begins: true);
        try
        {
            UseManyThreads();
        }
        finally
        {
            TensorHeap.Expect(Bytes, begins: false);
        }
    }

    [Fact]
    public void A_tensor_larger_than_the_memory_is_an_exception()
    {
        var reason = Assert.ThrowsAny<Exception>(() => empty(1L << 46));

        Assert.Contains("allocate", reason.Message, StringComparison.Ordinal);
        using var next = ones(100_000);
        Assert.Equal(100_000, next.sum().item<float>());
    }

    private static void UseManyThreads() => Parallel.For(0, 8, thread =>
    {
        var random = new Random(thread);
        using var scope = NewDisposeScope();
        var held = new Queue<(Tensor Tensor, double Value)>();
        for (var step = 0; step < Cases.Or(150); step++)
        {
            var value = (thread * 1000) + step;
            using (step % 3 == 0 ? TensorHeap.Lasting() : default)
                held.Enqueue((full(random.Next(1, 200_000), value, dtype: ScalarType.Float64), value));
            if (held.Count < 12)
                continue;
            var (tensor, expected) = held.Dequeue();
            Assert.Equal(expected, tensor.min().item<double>());
            Assert.Equal(expected, tensor.max().item<double>());
            tensor.Dispose();
            if (step % 50 == 0)
                TensorMemory.Trim();
        }
    });
}
