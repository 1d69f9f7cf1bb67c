using System.Diagnostics;
using System.Runtime.InteropServices;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Measures how fast this machine is at what a step consists of, once for every number of threads; it takes about half a second. Used to tell people what a step would take.
/// What a step does is decided with fixed rates: otherwise the same run would do something else each time, and end in other last digits.
/// </summary>
internal static class MachineRates
{
    private const int Repeats = 5;
    private const int Channels = 64;
    private const int Side = 192;
    private const long FreshBytes = 48 << 20;
    private const int PageBytes = 4096;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<int, ComputeRates> Known = [];

    /// <summary>The rates of the processor with as many threads as the library uses now.</summary>
    public static ComputeRates Measured
    {
        get
        {
            lock (Gate)
            {
                var threads = get_num_threads();
                if (!Known.TryGetValue(threads, out var rates))
                    Known.Add(threads, rates = Measure(threads));
                return rates;
            }
        }
    }

    private static ComputeRates Measure(int threads)
    {
        // Streamed tensors live there, where memory that is touched again is not fresh.
        TensorHeap.Begin();
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var generator = new Generator(1);
        var (map, weight) = (Random(1, Channels, Side, Side), Random(Channels, Channels, 3, 3));
        var work = 2.0 * Channels * Channels * 9 * Side * Side;
        var forward = work / Least(() => nn.functional.conv2d(map, weight, padding: [1, 1]));

        var alone = Random(Channels, 1, 7, 7);
        var aloneWork = 2.0 * Channels * 49 * Side * Side;

        var large = Random(1, Channels, 4 * Side, Side);
        var bytes = (double)large.numel() * large.element_size();

        const int Deep = 512;
        var (small, heavy) = (Random(1, Deep, 4, 4), Random(Deep, Deep, 3, 3));
        var (tiny, light) = (Random(1, 16, 4, 4), Random(16, 16, 3, 3));
        var call = Least(() => nn.functional.conv2d(tiny, light, padding: [1, 1]));
        var rearranged = Least(() => nn.functional.conv2d(small, heavy, padding: [1, 1])) - call - (2.0 * Deep * Deep * 9 * 16 / forward);
        return new()
        {
            Forward = forward,
            Backward = 2 * work / Least(() => Backward(map, map, weight, groups: 1)),
            GroupedForward = aloneWork / Least(() => nn.functional.conv2d(map, alone, padding: [3, 3], groups: Channels)),
            GroupedBackward = 2 * aloneWork / Least(() => Backward(map, map, alone, groups: Channels)),
            Comparisons = Channels * 9 * (Side / 2) * (Side / 2) / Least(() => nn.functional.max_pool2d(map, 3, 2, 1)),
            Bandwidth = 2 * bytes / Least(() => large.relu()),
            Weights = rearranged > 0 ? heavy.numel() * heavy.element_size() / rearranged : new ComputeRates().Weights,
            Fresh = FreshBytes / Least(() => TouchFresh(threads)),
            Call = call,
        };

        Tensor Random(params long[] shape) => rand(shape, generator: generator);
    }

    private static void Backward(Tensor gradient, Tensor input, Tensor weight, int groups)
    {
        var padding = (int)weight.shape[3] / 2;
        var (first, second, _) = ScriptedOperators.ConvolutionBackward(
            gradient, input, weight, new(new Pair(1, 1), new Pair(padding, padding), new Pair(1, 1), groups), (Input: true, Weight: true, Bias: false));
        first?.Dispose();
        second?.Dispose();
    }

    /// <summary>Takes memory from the system, touches all of it with several threads, as layers do, and gives it back.</summary>
    private static unsafe void TouchFresh(int threads)
    {
        var memory = (byte*)NativeMemory.Alloc((nuint)FreshBytes);
        var share = FreshBytes / threads;
        Parallel.For(0, threads, new() { MaxDegreeOfParallelism = threads }, thread =>
        {
            for (var at = thread * share; at < (thread + 1) * share; at += PageBytes)
                memory[at] = 1;
        });
        NativeMemory.Free(memory);
    }

    private static double Least(Func<Tensor> operation) => Least(() => operation().Dispose());

    /// <summary>The least of several times, in seconds: other processes only ever add to it.</summary>
    private static double Least(Action operation)
    {
        var least = double.MaxValue;
        for (var i = 0; i < Repeats; i++)
        {
            var start = Stopwatch.GetTimestamp();
            operation();
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return least;
    }
}
