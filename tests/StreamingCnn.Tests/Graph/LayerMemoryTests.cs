using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// What <see cref="LayerMemory"/> says of a layer is what its records hold: which tensors, by their memory, and how many bytes.
/// </summary>
public class LayerMemoryTests
{
    // So many images that even single positions of a map are large enough for the heap, which counts them.
    private const long Batch = 600;
    private const long SmallestCounted = 16 << 10;

    // What other tests have left to the garbage collector must not be freed while bytes are counted.
    public LayerMemoryTests()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [Fact]
    public void Layers_that_change_positions_hold_what_they_say() => Gen
        .Select(LayerCases.Any, Gen.Int[0, 1_000_000], Gen.Bool, Gen.Bool)
        .Sample(
            (c, seed, isWide, isChannelsLast) =>
            {
                using var module = c.Create();
                if (!isWide && IsProductOfMirrored(module))
                    return;
                var random = new Random(seed);
                Check(
                    Setting($"{c}", isWide, isChannelsLast),
                    LayerRegistry.Describe(module.to(isWide ? ScalarType.Float64 : ScalarType.Float32)).Layer!,
                    [c.Channels],
                    layer => new(Some(layer.Along(Axis.Rows, c.Height), random), Some(layer.Along(Axis.Columns, c.Width), random)));
            },
            iter: 200,
            threads: 1);

    /// <summary>
    /// Whether a product of matrices stands for the convolution, of which autograd keeps the positions that are read, less than what the
    /// mirrored border takes while it runs, which is what the layer says. Only so on processors whose convolutions are wrong.
    /// </summary>
    private static bool IsProductOfMirrored(Module<Tensor, Tensor> module) =>
        module is Conv2d { padding_mode: not PaddingModes.Zeros } convolution
        && convolution.kernel_size.All(length => length == 1)
        && !ConvolutionCheck.IsRight;

    public static TheoryData<string> Pointwise => [.. Layers.Keys];

    [Theory]
    [MemberData(nameof(Pointwise))]
    public void So_do_pointwise_ones(string name)
    {
        foreach (var isWide in (bool[])[false, true])
        {
            foreach (var isChannelsLast in (bool[])[false, true])
            {
                var layer = Layers[name]();
                layer.Module?.to(isWide ? ScalarType.Float64 : ScalarType.Float32);
                Check(
                    Setting(name, isWide, isChannelsLast),
                    layer,
                    [.. Enumerable.Repeat(4L, layer is MergingLayer ? 2 : 1)],
                    one => new(AxisPatch.Of(one.Along(Axis.Rows, 9), new(2, 6)), AxisPatch.Of(one.Along(Axis.Columns, 9), new(0, 5)), 17));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Pointwise))]
    public void Those_that_compute_in_float32_among_narrower_maps_hold_copies(string name)
    {
        TensorHeap.Begin();
        Assert.SkipUnless(TensorHeap.Passing is not null, "Counts in the heap of tensors, which this system has not.");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var layer = new Float32Layer(Layers[name](), ScalarType.BFloat16);
        var patch = new Patch(
            AxisPatch.Of(layer.Along(Axis.Rows, 9), new(2, 6)), AxisPatch.Of(layer.Along(Axis.Columns, 9), new(0, 5)), 17);
        var shape = new long[] { Batch, 4, patch.Input.Rows.Length, patch.Input.Columns.Length };
        var count = name is "Add" or "Multiply" or "Concat" ? 2 : 1;
        Tensor[] inputs = [.. Enumerable.Range(0, count).Select(_ => rand(shape, ScalarType.BFloat16))];
        using var run = layer.Start();
        var before = TensorHeap.Passing.Taken;
        Tensor output;
        LayerRecord record;
        using (NewDisposeScope())
        {
            (output, record) = run.Run(inputs, patch, [.. inputs.Select(_ => true)]);
            output.DetachFromDisposeScope();
        }

        using (record)
        {
            var (size, channels) = (output.numel() * output.ElementSize, output.shape[1]);
            output.Dispose();
            var memory = layer.MemoryOf(patch);
            long[] expected =
            [
                .. memory.KeepsInput ? inputs.Select(input => memory.Inside(input.numel() * input.ElementSize, sizeof(short))) : [],
                memory.KeepsOutput ? memory.Inside(size, sizeof(short)) : 0,
                memory.BytesBesides(size, channels, sizeof(short)),
            ];
            Assert.Equal(expected.Sum(Block), TensorHeap.Passing.Taken - before);
        }
    }

    // Not among them, for TorchSharp 0.107's sake: Hardtanh out of place never frees what it computes, and Mish and Softsign in
    // place have no gradient.
    private static readonly Dictionary<string, Func<LocalLayer>> Layers = new()
    {
        ["Add"] = () => new AdditionLayer(),
        ["Multiply"] = () => new MultiplicationLayer(),
        ["Concat"] = () => new ConcatenationLayer(),
        ["Slice"] = () => new ChannelSliceLayer(1, 2),
        ["Identity"] = () => new IdentityLayer(),
        ["BatchNorm2d"] = () => new BatchNormLayer(BatchNorm2d(4), evaluate: true),
        ["Conv2d of 1 x 1"] = () => Describe(Conv2d(4, 5, 1)),
        ["Dropout"] = () => Describe(Dropout()),
        ["Dropout2d"] = () => Describe(Dropout2d()),
        ["StochasticDepth"] = () => Describe(new StochasticDepth(0.5)),
        ["ReLU"] = () => Describe(ReLU()),
        ["ReLU in place"] = () => Describe(ReLU(inplace: true)),
        ["ReLU6"] = () => Describe(ReLU6()),
        ["ReLU6 in place"] = () => Describe(ReLU6(inplace: true)),
        ["LeakyReLU"] = () => Describe(LeakyReLU()),
        ["LeakyReLU in place"] = () => Describe(LeakyReLU(inplace: true)),
        ["ELU"] = () => Describe(ELU()),
        ["ELU in place"] = () => Describe(ELU(inplace: true)),
        ["CELU"] = () => Describe(CELU()),
        ["CELU in place"] = () => Describe(CELU(inplace: true)),
        ["SELU"] = () => Describe(SELU()),
        ["SELU in place"] = () => Describe(SELU(inplace: true)),
        ["GELU"] = () => Describe(GELU()),
        ["GELU in place"] = () => Describe(GELU(inplace: true)),
        ["SiLU"] = () => Describe(SiLU()),
        ["SiLU in place"] = () => Describe(SiLU(inplace: true)),
        ["Mish"] = () => Describe(Mish()),
        ["Hardtanh in place"] = () => Describe(Hardtanh(inplace: true)),
        ["Hardswish"] = () => Describe(Hardswish()),
        ["Hardswish in place"] = () => Describe(Hardswish(inplace: true)),
        ["Hardsigmoid"] = () => Describe(Hardsigmoid()),
        ["Hardsigmoid in place"] = () => Describe(Hardsigmoid(inplace: true)),
        ["Sigmoid"] = () => Describe(Sigmoid()),
        ["Sigmoid in place"] = () => Describe(Sigmoid(inplace: true)),
        ["Tanh"] = () => Describe(Tanh()),
        ["Tanh in place"] = () => Describe(Tanh(inplace: true)),
        ["Softsign"] = () => Describe(Softsign()),
        ["Tanhshrink"] = () => Describe(Tanhshrink()),
        ["Tanhshrink in place"] = () => Describe(Tanhshrink(inplace: true)),
        ["Threshold"] = () => Describe(Threshold(0.1, 0)),
        ["Threshold in place"] = () => Describe(Threshold(0.1, 0, inplace: true)),
        ["RReLU in evaluation mode"] = () => Describe(Evaluating(RReLU())),
        ["RReLU in evaluation mode and in place"] = () => Describe(Evaluating(RReLU(inplace: true))),
        ["Softplus"] = () => Describe(Softplus()),
        ["Softshrink"] = () => Describe(Softshrink()),
        ["Hardshrink"] = () => Describe(Hardshrink()),
        ["LogSigmoid"] = () => Describe(LogSigmoid()),
        ["PReLU"] = () => Describe(PReLU(4)),
        ["Softmax2d"] = () => Describe(Softmax2d()),
        ["ChannelShuffle"] = () => Describe(ChannelShuffle(2)),
        ["GLU"] = () => Describe(GLU(1)),
        ["Softmax"] = () => Describe(Softmax(1)),
        ["LogSoftmax"] = () => Describe(LogSoftmax(1)),
        ["ChannelLayerNorm"] = () => Describe(new ChannelLayerNorm(4)),
        ["ChannelScale"] = () => Describe(new ChannelScale(4)),
        ["Linear"] = () => new ChannelsLastLayer(Linear(4, 6)),
        ["LayerNorm"] = () => new ChannelNormLayer(LayerNorm(4)),
        ["LayerNorm without weights"] = () => new ChannelNormLayer(LayerNorm(4, elementwise_affine: false)),
    };

    private static Module<Tensor, Tensor> Evaluating(Module<Tensor, Tensor> module)
    {
        module.eval();
        return module;
    }

    private static LocalLayer Describe(Module<Tensor, Tensor> module) => LayerRegistry.Describe(module).Layer!;

    private static (string Name, ScalarType Type, MapFormat Format) Setting(string name, bool isWide, bool isChannelsLast)
    {
        var type = isWide ? ScalarType.Float64 : ScalarType.Float32;
        var format = isChannelsLast ? MapFormat.ChannelsLast : MapFormat.ChannelsFirst;
        return ($"{name}, {type}, {format}", type, format);
    }

    /// <summary>A few outputs, often at a border.</summary>
    private static AxisPatch Some(AxisMap map, Random random)
    {
        var count = 1 + random.NextInt64(Math.Min(map.OutputLength, 5));
        var first = random.Next(3) switch { 0 => 0, 1 => map.OutputLength - count, _ => random.NextInt64(map.OutputLength - count + 1) };
        return AxisPatch.Of(map, new(first, first + count));
    }

    private static void Check(
        (string Name, ScalarType Type, MapFormat Format) setting, LocalLayer layer, long[] channels, Func<LocalLayer, Patch> patchOf)
    {
        TensorHeap.Begin();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var patch = patchOf(layer);
        var name = $"{setting.Name}: outputs {patch.Output}";
        var (memory, size) = (layer.MemoryOf(patch), setting.Type == ScalarType.Float64 ? 8 : 4);
        var before = TensorHeap.Passing?.Taken;
        var (height, width) = (patch.Input.Rows.Length, patch.Input.Columns.Length);
        Tensor[] inputs = [.. channels.Select(count => Random(setting, [Batch, count, height, width]))];
        using var run = layer.Start();
        Tensor output;
        LayerRecord record;
        using (var inner = NewDisposeScope())
        {
            (output, record) = run.Run(inputs, patch, [.. inputs.Select(_ => true)]);
            output.DetachFromDisposeScope();
        }

        using (record)
        {
            var gradient = Random(setting, output.shape);
            var held = record.Held.Select(Memory).Distinct().ToList();
            var operands = inputs.Select(Memory).ToArray();
            var mine = Memory(output);
            var padded = layer.PaddedPositions(patch) * channels[0] * Batch * size;
            var keepsOperands = memory.KeepsInput && !(padded > 0 && memory.KeepsPaddedCopyOnly);
            if (patch.Input.Area > 0)
            {
                var keeps = keepsOperands || (memory.KeepsOutput && memory.OutputIsPart);
                Assert.True(operands.All(one => held.Contains(one) == keeps), $"{name}: keeps the input");
                Assert.True(operands[0] == mine == memory.OutputIsPart, $"{name}: output is a part of the input");
            }

            // Maps of one channel have both formats, and the library takes either.
            var hasFormat = channels[0] > 1 && output.shape[1] > 1;
            Assert.True(!hasFormat || ReferenceEquals(setting.Format.Of(output), output), $"{name}: output has another format");
            Assert.True(memory.OutputIsPart || held.Contains(mine) == memory.KeepsOutput, $"{name}: keeps the output");
            var bytes = output.numel() * size;
            Assert.True(memory.OutputIsPart || mine.Bytes == bytes, $"{name}: output of {bytes} bytes takes {mine.Bytes}");

            long[] expected =
            [
                .. keepsOperands || (memory.KeepsOutput && memory.OutputIsPart) ? inputs.Select(input => input.numel() * size) : [],
                memory.KeepsInput && memory.RunsAgain == 0 ? padded : 0,
                memory.KeepsOutput && !memory.OutputIsPart ? bytes : 0,
                memory.BytesBesides(bytes, output.shape[1], size),
            ];
            output.Dispose();
            var gradientBytes = Block(gradient.numel() * size);
            foreach (var input in inputs)
                input.Dispose();
            if (before is not null)
            {
                var found = TensorHeap.Passing!.Taken - before - gradientBytes;
                Assert.True(expected.Sum(Block) == found, $"{name}: holds {found} bytes, not {string.Join(" + ", expected)}");
            }

            CheckGradients(name, record, gradient, memory, patch, padded, size * Batch, channels);
        }
    }

    private static void CheckGradients(
        string name, LayerRecord record, Tensor gradient, LayerMemory memory, in Patch patch, long padded, long valueBytes, long[] channels)
    {
        using var nothing = new Nowhere();
        var found = record.Backward(gradient, nothing);
        for (var i = 0; i < channels.Length; i++)
        {
            if (found[i] is not { } one || patch.Input.Area == 0)
                continue;
            var area = memory.GradientIsPadded && padded > 0 ? padded / channels[i] / valueBytes : patch.Input.Area;
            Assert.True(one.IsExclusive == memory.GradientIsFresh, $"{name}: the gradient is fresh");
            var mine = Memory(one.Tensor);
            Assert.True(mine == Memory(gradient) == memory.GradientIsPart, $"{name}: the gradient is a part of what comes in");
            var bytes = area * channels[i] * valueBytes;
            Assert.True(memory.GradientIsPart || mine.Bytes == bytes, $"{name}: the gradient takes {mine.Bytes} bytes, not {bytes}");
        }
    }

    private static long Block(long bytes) => bytes < SmallestCounted ? 0 : (bytes + 63) / 64 * 64;

    private static Tensor Random((string, ScalarType Type, MapFormat Format) setting, long[] shape) =>
        setting.Format.Empty(shape, setting.Type, CPU).uniform_(-1, 1);

    private static (nint Address, long Bytes) Memory(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        torch.Storage storage = tensor.dtype switch
        {
            ScalarType.Float64 => tensor.storage<double>(),
            ScalarType.Float32 => tensor.storage<float>(),
            _ => tensor.storage<long>(),
        };
        return (storage.data_ptr(), (long)storage.nbytes());
    }

    private sealed class Nowhere : IGradientSink, IDisposable
    {
        public void Add(Parameter parameter, Tensor gradient) => gradient.Dispose();

        public void Dispose()
        {
        }
    }
}
