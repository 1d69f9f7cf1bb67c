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

namespace StreamingCnn.Execution.Machine;

/// <summary>Short measurements of the processor at what a step consists of.</summary>
/// <remarks>
/// They leave no trace: nothing is drawn from the library's random numbers, and tensors stay in the heap that they are in. There, large
/// tensors are fresh memory each time, which those of a streamed step are not; so what is to say how fast memory in use is, is written into
/// a tensor that is there.
/// </remarks>
internal sealed class RateMeasurement : IDisposable
{
    // Other work on the machine comes in bursts and only ever adds, and in the first two rounds memory is fresh: the least of several
    // counts. Where a round takes long, as on a busy machine, there are fewer.
    private const int Rounds = 6;
    private const int FewestRounds = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    // Of what takes microseconds, several in a row: the first of them finds the caches full of something else.
    private const int InARow = 16;

    private const int Channels = 64;
    private const int Side = 80;
    private const int Deep = 512;
    private const long LargeBytes = 36 << 20;

    // The C library takes a block of this size from the system each time; touching a part of it is enough.
    private const long FreshBytes = 48 << 20;
    private const long TouchedBytes = 12 << 20;
    private const int PageBytes = 4096;

    // Layers of a network reach less than the best of several repetitions of one that is good for the processor.
    private const double Share = 0.8;

    // Memory in use is taken and given back by several layers at a time, while others compute.
    private const double FreshShare = 0.65;

    private readonly MapFormat format;
    private readonly int threads;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator generator = new(1);
    private readonly List<Module> modules = [];
    private readonly Dictionary<string, double> least = [];

    private RateMeasurement(MapFormat format, int threads)
    {
        this.format = format;
        this.threads = threads;
    }

    /// <summary>Measures the rates for maps in a format, with as many threads as the library uses.</summary>
    /// <returns>The rates, and whether there was time for all rounds.</returns>
    public static (ComputeRates Rates, bool IsThorough) Of(MapFormat format, int threads)
    {
        using var grad = no_grad();
        using var measurement = new RateMeasurement(format, threads);
        return measurement.Measure();
    }

    public void Dispose()
    {
        modules.ForEach(module => module.Dispose());
        generator.Dispose();
        scope.Dispose();
    }

    private (ComputeRates Rates, bool IsThorough) Measure()
    {
        Trial[] trials =
        [
            new(WorkKind.Convolution, Convolution(Channels, Channels, 3), Map(Channels, Side)),
            new(WorkKind.ImageConvolution, Convolution(3, Channels, 7, stride: 2), Map(3, 2 * Side)),
            new(WorkKind.GroupedConvolution, Convolution(Channels, Channels, 7, groups: Channels), Map(Channels, Side)),
            new(WorkKind.PerPixel, PerPixel(4 * Channels), Map(4 * Channels, Side / 2)),
        ];
        var pooled = Map(Channels, Side);
        var large = empty(LargeBytes / sizeof(float), device: CPU).Filled(1);
        var other = empty_like(large);
        var light = Convolution2d(16, 16, 3);
        var heavy = Convolution2d(Deep, Deep, 3);
        var (few, many) = (Map(16, 4), Map(Deep, 4));
        var round = 0;
        var start = Stopwatch.GetTimestamp();
        for (; round < FewestRounds || (round < Rounds && Stopwatch.GetElapsedTime(start) < Patience); round++)
        {
            foreach (var trial in trials)
                Take(trial);
            Take(nameof(pooled), () => functional.max_pool2d(pooled, 3, 2, 1));
            Take(nameof(large), () => ScriptedOperators.ReluInto(large, other));
            for (var i = 0; i < InARow; i++)
                Take(nameof(light), () => light.call(few));
            Take(nameof(heavy), () => heavy.call(many));
            Take(nameof(TouchFresh), TouchFresh);
        }

        var work = trials.ToDictionary(trial => trial.Kind, Rate);
        var call = least[nameof(light)];
        var weights = least[nameof(heavy)] - call - (2.0 * Deep * Deep * 9 * 16 / work[WorkKind.Convolution].Forward);
        var rates = new ComputeRates
        {
            Work = work,
            Comparisons = Channels * 9 * (pooled.shape[2] / 2) * (pooled.shape[3] / 2) / least[nameof(pooled)],
            Bandwidth = Share * 2 * LargeBytes / least[nameof(large)],
            Weights = weights > 0 ? heavy.weight.numel() * heavy.weight.element_size() / weights : new ComputeRates().Weights,
            Fresh = FreshShare * TouchedBytes / least[nameof(TouchFresh)],
            Call = call,
        };
        return (rates, round == Rounds);
    }

    private WorkRate Rate(Trial trial)
    {
        var work = Share * trial.Layer.WorkPerPosition * trial.Patch.Output.Area;
        return new(work / least[trial.Forward], (trial.Wanted ? 2 : 1) * work / least[trial.Backward]);
    }

    /// <summary>The layer as the engine runs it, on one rectangle.</summary>
    private void Take(Trial trial)
    {
        using var inner = NewDisposeScope();
        using var sink = new ParameterGradients();
        var start = Stopwatch.GetTimestamp();
        var (output, record) = trial.Layer.Run([trial.Operand], trial.Patch, [trial.Wanted]);
        var middle = Stopwatch.GetTimestamp();
        using (record)
            record.Backward(output, sink);
        Took(trial.Forward, Stopwatch.GetElapsedTime(start, middle));
        Took(trial.Backward, Stopwatch.GetElapsedTime(middle));
    }

    private void Take(string name, Func<Tensor> operation) => Take(name, () => operation().Dispose());

    private void Take(string name, Action operation)
    {
        var start = Stopwatch.GetTimestamp();
        operation();
        Took(name, Stopwatch.GetElapsedTime(start));
    }

    private void Took(string name, TimeSpan time) =>
        least[name] = Math.Min(time.TotalSeconds, least.GetValueOrDefault(name, double.MaxValue));

    /// <summary>Takes memory from the system, touches it with several threads, as layers do, and gives it back.</summary>
    private unsafe void TouchFresh()
    {
        var memory = (byte*)NativeMemory.Alloc((nuint)FreshBytes);
        var share = TouchedBytes / threads;
        Parallel.For(0, threads, new() { MaxDegreeOfParallelism = threads }, thread =>
        {
            for (var at = thread * share; at < (thread + 1) * share; at += PageBytes)
                memory[at] = 1;
        });
        NativeMemory.Free(memory);
    }

    private Tensor Map(long channels, long side) => format.Copy(rand([1, channels, side, side], device: CPU, generator: generator));

    private ConvolutionLayer Convolution(long inputs, long outputs, long kernel, long stride = 1, long groups = 1) =>
        new(Convolution2d(inputs, outputs, kernel, stride, groups));

    // Modules draw their weights from the library's random numbers, but for those without memory. What weights are costs no time.
    private Conv2d Convolution2d(long inputs, long outputs, long kernel, long stride = 1, long groups = 1)
    {
        var convolution = Conv2d(inputs, outputs, kernel, stride, kernel / 2, groups: groups, bias: false, device: META);
        modules.Add(convolution);
        convolution.weight = new Parameter(Weights(outputs, inputs / groups, kernel, kernel));
        return convolution;
    }

    private ChannelsLastLayer PerPixel(long channels)
    {
        var linear = Linear(channels, channels, device: META);
        modules.Add(linear);
        (linear.weight, linear.bias) = (new Parameter(Weights(channels, channels)), new Parameter(Weights(channels)));
        return new(linear);
    }

    private static Tensor Weights(params long[] shape) => empty(shape, device: CPU).Filled(0.01);

    /// <summary>A layer that is timed, forwards and backwards.</summary>
    private sealed record Trial(WorkKind Kind, LocalLayer Layer, Tensor Operand)
    {
        public string Forward { get; } = $"{Kind} forward";

        public string Backward { get; } = $"{Kind} backward";

        /// <summary>Whether the operand's gradient is wanted: not the image's.</summary>
        public bool Wanted => Kind != WorkKind.ImageConvolution;

        public Patch Patch { get; } = new(Whole(Layer, Axis.Rows, Operand.shape[2]), Whole(Layer, Axis.Columns, Operand.shape[3]));

        private static AxisPatch Whole(LocalLayer layer, Axis axis, long length)
        {
            var map = layer.Along(axis, length);
            return AxisPatch.Of(map, new(0, map.OutputLength));
        }
    }
}
