using System.Diagnostics;
using System.Runtime.InteropServices;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Execution;

/// <summary>
/// Measures how fast this machine is at what a step consists of, once for every number of threads and format of maps; it takes about half a second. Used to tell people what a step would take.
/// What a step does is decided with fixed rates: otherwise the same run would do something else each time, and end in other last digits.
/// </summary>
internal static class MachineRates
{
    private const int Repeats = 4;
    private const int Channels = 64;
    private const int Side = 192;
    private const long FreshBytes = 48 << 20;
    private const int Deep = 512;
    private const int PageBytes = 4096;

    // Layers of a network reach less than the best of several repetitions of one that is good for the processor.
    private const double Share = 0.8;

    // Memory in use is taken and given back by several layers at a time, while others compute.
    private const double FreshShare = 0.65;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<(int Threads, MapFormat Format), ComputeRates> Known = [];

    /// <summary>The rates of the processor with as many threads as the library uses now, for maps in a format.</summary>
    public static ComputeRates Measured(MapFormat format)
    {
        lock (Gate)
        {
            var threads = get_num_threads();
            if (Known.TryGetValue((threads, format), out var rates))
                return rates;
            // Layers draw their weights; whoever asks for a plan shall not get other random numbers afterwards.
            using var state = random.get_rng_state();
            try
            {
                // Twice, with time in between: what else the machine does comes in bursts, and only ever adds.
                Known.Add((threads, format), rates = Best(Measure(threads, format), Measure(threads, format)));
            }
            finally
            {
                random.set_rng_state(state);
            }

            return rates;
        }
    }

    /// <summary>The better of two measurements, rate by rate.</summary>
    private static ComputeRates Best(ComputeRates first, ComputeRates second) => new()
    {
        Work = first.Work.ToDictionary(
            kind => kind.Key,
            kind => new WorkRate(Math.Max(kind.Value.Forward, second.Work[kind.Key].Forward), Math.Max(kind.Value.Backward, second.Work[kind.Key].Backward))),
        Comparisons = Math.Max(first.Comparisons, second.Comparisons),
        Bandwidth = Math.Max(first.Bandwidth, second.Bandwidth),
        Weights = Math.Max(first.Weights, second.Weights),
        Fresh = Math.Max(first.Fresh, second.Fresh),
        Call = Math.Min(first.Call, second.Call),
    };

    private static ComputeRates Measure(int threads, MapFormat format)
    {
        // Streamed tensors live there, where memory that is touched again is not fresh.
        TensorHeap.Begin();
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var map = Random(1, Channels, Side, Side);
        var large = Random(1, Channels, 4 * Side, Side);
        var bytes = (double)large.numel() * large.element_size();
        var convolution = Work(Conv2d(Channels, Channels, 3, padding: 1, bias: false), map);

        using var light = Conv2d(16, 16, 3, padding: 1, bias: false);
        using var heavy = Conv2d(Deep, Deep, 3, padding: 1, bias: false);
        var (few, many) = (Random(1, 16, 4, 4), Random(1, Deep, 4, 4));
        var call = Least(() => light.call(few));
        var weights = Least(() => heavy.call(many)) - call - (new ConvolutionLayer(heavy).WorkPerPosition * 16 / convolution.Forward);
        return new()
        {
            Work = new Dictionary<WorkKind, WorkRate>
            {
                [WorkKind.Convolution] = convolution,
                [WorkKind.ImageConvolution] = Work(Conv2d(3, Channels, 7, stride: 2, padding: 3, bias: false), Random(1, 3, Side, Side)),
                [WorkKind.GroupedConvolution] = Work(Conv2d(Channels, Channels, 7, padding: 3, groups: Channels, bias: false), map),
                [WorkKind.PerPixel] = Work(Linear(4 * Channels, 4 * Channels), Random(1, 4 * Channels, Side / 2, Side / 2)),
            },
            Comparisons = Channels * 9 * (Side / 2) * (Side / 2) / Least(() => functional.max_pool2d(map, 3, 2, 1)),
            Bandwidth = Share * 2 * bytes / Least(() => large.relu()),
            Weights = weights > 0 ? heavy.weight.numel() * heavy.weight.element_size() / weights : new ComputeRates().Weights,
            Fresh = FreshShare * FreshBytes / Least(() => TouchFresh(threads)),
            Call = call,
        };

        Tensor Random(params long[] shape) => format.Copy(rand(shape, generator: generator));

        // The layer as the engine runs it, on one rectangle.
        static WorkRate Work(Module<Tensor, Tensor> module, Tensor operand)
        {
            using var own = module;
            var layer = module is Linear linear ? new ChannelsLastLayer(linear) : (LocalLayer)new ConvolutionLayer((Conv2d)module);
            var (rows, columns) = (layer.Along(Axis.Rows, operand.shape[2]), layer.Along(Axis.Columns, operand.shape[3]));
            var patch = new Patch(AxisPatch.Of(rows, new(0, rows.OutputLength)), AxisPatch.Of(columns, new(0, columns.OutputLength)));
            double least = double.MaxValue, leastBackward = double.MaxValue;
            for (var i = 0; i < Repeats; i++)
            {
                using var inner = NewDisposeScope();
                using var sink = new ParameterGradients();
                var start = Stopwatch.GetTimestamp();
                var (output, record) = layer.Run([operand], patch, [operand.shape[1] > 3]);
                var middle = Stopwatch.GetTimestamp();
                using (record)
                    record.Backward(output, sink);
                least = Math.Min(least, Stopwatch.GetElapsedTime(start, middle).TotalSeconds);
                leastBackward = Math.Min(leastBackward, Stopwatch.GetElapsedTime(middle).TotalSeconds);
            }

            var work = Share * layer.WorkPerPosition * rows.OutputLength * columns.OutputLength;
            return new(work / least, (operand.shape[1] > 3 ? 2 : 1) * work / leastBackward);
        }
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
