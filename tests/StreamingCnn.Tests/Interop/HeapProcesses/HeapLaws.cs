using StreamingCnn.Execution.Machine;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Interop.HeapProcesses;

/// <summary>
/// What holds in any process. Run by <see cref="HeapProcessTests"/> in processes of their own, each with another allocator, since a
/// heap stays to the end of its process.
/// </summary>
public sealed class HeapLaws
{
    private static bool IsExpected => Environment.GetEnvironmentVariable(NativeCompatibility.HeapVariable) != "system";

    [Fact(Explicit = true)]
    public void Steps_of_both_types_in_both_orders_are_right()
    {
        using var before = ones(200_000);
        AssertRight(ComputedStep.Difference);
        Assert.Equal(IsExpected, ComputedStep.UsesHeap());
        Assert.Equal(200_000, before.sum().item<float>());
    }

    [Fact(Explicit = true)]
    public void So_are_those_of_four_threads_on_one_trunk() => AssertRight(ComputedStep.Difference, 4);

    [Fact(Explicit = true)]
    public async Task Tensors_go_from_thread_to_thread()
    {
        ComputedStep.Difference(false, true, 1);
        var tensors = new System.Collections.Concurrent.BlockingCollection<(Tensor Tensor, int Value)>(20);
        var producer = Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 400; i++)
                    tensors.Add((full([1 + (i * 7919 % 90_000)], i, ScalarType.Float32).DetachFromDisposeScope(), i));
                tensors.CompleteAdding();
            },
            TaskCreationOptions.LongRunning);
        foreach (var (tensor, value) in tensors.GetConsumingEnumerable(TestContext.Current.CancellationToken))
        {
            Assert.Equal(value, tensor.max().item<float>());
            Assert.Equal(value, tensor.min().item<float>());
            tensor.Dispose();
        }

        await producer;
    }

    /// <summary>TorchSharp frees what a script took and gave with a wrong size, which some allocators believe.</summary>
    [Fact(Explicit = true)]
    public void Scripts_leave_memory_sound()
    {
        using var map = randn(1, 4, 6, 6);
        using var weight = randn(5, 4, 3, 3);
        using var gradient = randn(1, 5, 4, 4);
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < 200; i++)
            {
                using var scope = NewDisposeScope();
                var arguments = new ConvolutionArguments(new(1, 1), new(0, 0), new(1, 1), 1);
                var found = ScriptedOperators.ConvolutionBackward(gradient, map, weight, arguments, (true, true, true));
                Assert.Equal([5], found.Bias!.shape);
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    [Fact(Explicit = true)]
    public async Task Two_copies_of_the_library_share_one_heap()
    {
        AssertRight(ComputedStep.Difference);
        var copy = new LibraryCopy();
        AssertRight(copy.Difference);
        Assert.Equal(IsExpected, copy.UsesHeap());
        var atOnce = new[] { Task.Run(() => AssertRight(copy.Difference, 2)), Task.Run(() => AssertRight(ComputedStep.Difference, 2)) };
        await Task.WhenAll(atOnce);
        copy.Unload();
        AssertRight(ComputedStep.Difference);
    }

    [Fact(Explicit = true)]
    public void A_copy_that_was_first_and_is_unloaded_leaves_the_heap_behind()
    {
        Assert.False(TensorHeap.IsUsed);
        LibraryCopy.UseAndUnload(copy =>
        {
            AssertRight(copy.Difference);
            Assert.Equal(IsExpected, copy.UsesHeap());
        });
        for (var i = 0; i < 10; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        AssertRight(ComputedStep.Difference);
        Assert.Equal(IsExpected, ComputedStep.UsesHeap());
        using (TensorHeap.Lasting())
            Assert.Equal(IsExpected, ComputedStep.UsesHeap());
        TensorMemory.Trim();
    }

    [Fact(Explicit = true)]
    public void Measuring_the_machine_begins_no_heap()
    {
        Assert.False(TensorHeap.IsUsed);
        RateMeasurement.Of(MapFormat.ChannelsLast, get_num_threads());
        Assert.False(TensorHeap.IsUsed);
        TensorHeap.Begin();
        Assert.Equal(IsExpected, TensorHeap.IsUsed);
    }

    private static void AssertRight(Func<bool, bool, int, double> difference, int threads = 1)
    {
        foreach (var channelsLast in new[] { false, true })
        {
            Assert.InRange(difference(true, channelsLast, threads), 0, 1e-11);
            Assert.InRange(difference(false, channelsLast, threads), 0, 1e-3);
        }
    }
}
