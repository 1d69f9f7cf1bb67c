using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>
/// Compares what a layer says of itself with what it does on one map: which inputs each output is seen to read,
/// rectangles of its output with the whole map's, and gradients.
/// </summary>
internal sealed class MapTrial
{
    // Values that the maps of one comparison may hold, which bounds the time.
    private const long MostValues = 1_500_000;
    private const long FewPositions = 12;

    private readonly LocalLayer layer;
    private readonly AxisMap rows;
    private readonly AxisMap columns;
    private readonly TrialPatches patches;
    private readonly MapFormat format;
    private readonly Generator generator;
    private readonly double tolerance;
    private readonly Tensor image;

    public MapTrial(
        LocalLayer layer,
        long channels,
        (long Height, long Width) size,
        ScalarType type,
        Device device,
        MapFormat format,
        Generator generator)
    {
        this.layer = layer;
        this.format = format;
        this.generator = generator;
        rows = layer.Along(Axis.Rows, size.Height);
        columns = layer.Along(Axis.Columns, size.Width);
        patches = new(rows, columns);
        tolerance = type switch { ScalarType.Float64 => 1e-9, ScalarType.Float32 => 1e-4, _ => 3e-2 };
        image = format.Copy(Random([2, channels, size.Height, size.Width]).to(type).to(device));
    }

    /// <summary>What is wrong with the layer, as the end of a sentence that begins with its name, or null.</summary>
    public string? Fault()
    {
        var whole = layer.IsRandom ? ComputeAll() : Whole(image);
        return FaultOfShape(whole)
            ?? (layer.IsRandom ? null : FaultOfReads(Axis.Rows) ?? FaultOfReads(Axis.Columns))
            ?? FaultOfRectangles(whole)
            ?? (layer.IsRandom ? null : FaultOfGradients());
    }

    private string? FaultOfShape(Tensor whole)
    {
        long[] expected = [image.shape[0], layer.OutputChannels([image.shape[1]]), rows.OutputLength, columns.OutputLength];
        if (whole.Dimensions != 4)
            return $"gives [{string.Join(", ", whole.shape)}] for a map, where [N, C, H, W] is needed";
        if (whole.shape[2] != expected[2])
            return $"says that OutputLength is {expected[2]} {Where(Axis.Rows)}; it should be {whole.shape[2]}";
        if (whole.shape[3] != expected[3])
            return $"says that OutputLength is {expected[3]} {Where(Axis.Columns)}; it should be {whole.shape[3]}";
        if (whole.shape[1] != expected[1])
            return $"says that OutputChannels of {image.shape[1]} is {expected[1]}; it should be {whole.shape[1]}";
        return AreEqual(layer.IsRandom ? ComputeAll() : Whole(image), whole)
            ? null
            : "gives other values each time for the same map; make it deterministic, or set IsRandom and draw by the patch's Seed alone";
    }

    /// <summary>Changes one row or column of the map at a time, and looks which outputs notice.</summary>
    private string? FaultOfReads(Axis axis)
    {
        var (map, dimension) = axis == Axis.Rows ? (rows, 2) : (columns, 3);
        var single = image.narrow(0, 0, 1);
        var most = Math.Max(FewPositions, MostValues / Math.Max(single.numel(), 1) / 2);
        long[] positions =
        [
            .. Enumerable.Range(0, (int)map.InputLength).Select(i => (long)i)
                .Where(i => most >= map.InputLength || i * most / map.InputLength != (i - 1) * most / map.InputLength),
        ];
        // Twice each, with values that are well above and below the others, so that a maximum notices as well.
        var changed = format.Copy(single.expand((2 * positions.Length) + 1, -1, -1, -1));
        for (var i = 0; i < 2 * positions.Length; i++)
        {
            var row = changed.narrow(0, i, 1).narrow(dimension, positions[i / 2], 1);
            row.copy_(Random(row.shape).Times(10.0));
        }

        var outputs = Whole(changed);
        var plain = outputs.narrow(0, 2 * positions.Length, 1);
        var differs = Differs(outputs, plain).to(ScalarType.Byte).amax([1, 5 - dimension]).cpu();
        var flags = differs.data<byte>().ToArray();
        var reads = new TrialReads(map, Where(axis));
        for (var i = 0; i < 2 * positions.Length; i++)
        {
            for (var output = 0; output < map.OutputLength; output++)
            {
                if (flags[(i * map.OutputLength) + output] != 0)
                    reads.Add(output, positions[i / 2]);
            }
        }

        return reads.Fault(layer.IsPointwise);
    }

    private string? FaultOfRectangles(Tensor whole)
    {
        foreach (var patch in patches.All())
        {
            var window = Window(patch);
            var before = window.clone();
            var output = layer.Compute([window], patch);
            if (!AreEqual(window, before))
                return "changes the window that it is given, which others read as well; let Compute work on a copy";
            var expected = Part(whole, patch.Output);
            var place = $"outputs {patch.Output.Rows} x {patch.Output.Columns} of a map of {rows.InputLength} x {columns.InputLength}";
            if (!output.shape.SequenceEqual(expected.shape))
                return $"computes [{string.Join(", ", output.shape)}] for {place}; it should be [{string.Join(", ", expected.shape)}]";
            if (Differs(output, expected).any().item<bool>())
            {
                var inputs = $"{patch.Input.Rows} x {patch.Input.Columns}";
                return patch.IsPadded
                    ? $"computes {place} from inputs {inputs} and padding with other values than the whole map has; "
                        + "its Compute, or what it pads with, is off"
                    : $"computes {place} from inputs {inputs} with other values than the whole map has; "
                        + "its Compute reads more than its Span says, or depends on the window's place";
            }

            if (!AreEqual(layer.Compute([window], patch), output))
            {
                return "gives other values each time for the same window; "
                    + "make it deterministic, or set IsRandom and draw by the patch's Seed alone";
            }

            if (layer.OutputIsFresh)
            {
                output.zero_();
                if (!AreEqual(window, before))
                    return "says that its output is fresh memory, but gives a part of its window; take back OutputIsFresh";
            }
        }

        return null;
    }

    private string? FaultOfGradients()
    {
        var learning = AutogradRecord.Learning(layer.Parameters);
        var whole = new Sum();
        var pieces = new Sum();
        var leaf = image.detach().clone().requires_grad_(true);
        Tensor root;
        using (enable_grad())
            root = layer.Whole([leaf.clone()]);
        if (LearnsElsewhere(learning))
            return "computes with a tensor that requires a gradient and is none of its Parameters; make it a Parameter of its module";
        var weights = Random(root.shape).to(root.dtype).to(root.device);
        whole.Image = root.requires_grad ? AutogradRecord.Backpropagate(root, weights, [leaf], learning, whole)[0] : null;
        pieces.Image = zeros_like(image);
        using var run = layer.Start();
        foreach (var patch in patches.Quarters())
        {
            var (output, record) = run.Run([Window(patch)], patch, [true]);
            using (record)
            {
                if (record.Backward(Part(weights, patch.Output).contiguous(), pieces)[0] is { } gradient)
                    Part(pieces.Image, patch.Input).Accumulate(gradient.Tensor);
            }
        }

        if (Differs(pieces.Image, whole.Image ?? zeros_like(image), 10).any().item<bool>())
        {
            return "gives another gradient of its input by rectangles than of the whole map; "
                + "its Compute and its module must be differentiable alike";
        }

        foreach (var parameter in learning)
        {
            if (Differs(pieces[parameter], whole[parameter], 10).any().item<bool>())
            {
                var shape = string.Join(", ", parameter.shape);
                return $"gives another gradient of a parameter of the shape [{shape}] by rectangles than of the whole map; "
                    + "its Compute and its module must be differentiable alike";
            }
        }

        return null;
    }

    /// <summary>
    /// Whether the output hangs on a tensor that learns and that the engine knows nothing of: a gradient that nobody would take.
    /// </summary>
    private bool LearnsElsewhere(Parameter[] learning)
    {
        Tensor root;
        using (enable_grad())
            root = layer.Compute([image], patches.Whole);
        if (!root.requires_grad || learning.Length == 0)
            return root.requires_grad;
        var known = learning.Select(parameter => parameter.Handle).ToHashSet();
        Tensor[] others =
        [
            .. ReachableTensors.From([layer, .. layer.Modules])
                .Where(tensor => !tensor.IsInvalid && tensor.requires_grad && !known.Contains(tensor.Handle))
                .DistinctBy(tensor => tensor.Handle),
        ];
        return others.Length > 0 && ScriptedOperators.Gradients(root, ones_like(root), others).Any(gradient => gradient is not null);
    }

    private Tensor Whole(Tensor map) => layer.Whole([format.Copy(map)]);

    private Tensor ComputeAll()
    {
        var patch = patches.Whole;
        return layer.Compute([Window(patch)], patch);
    }

    /// <summary>What a patch reads, as a part of a larger tensor of NaN: nothing else is there to be read.</summary>
    private Tensor Window(in Patch patch)
    {
        var input = patch.Input;
        long[] shape = [image.shape[0], image.shape[1], input.Rows.Length + 4, input.Columns.Length + 4];
        var window = format.Empty(shape, image.dtype, image.device)
            .Filled(double.NaN)
            .narrow(2, 2, input.Rows.Length)
            .narrow(3, 2, input.Columns.Length);
        if (!input.IsEmpty)
            window.copy_(Part(image, input));
        return window;
    }

    private static Tensor Part(Tensor map, Region region) =>
        map.narrow(2, region.Rows.Start, region.Rows.Length).narrow(3, region.Columns.Start, region.Columns.Length);

    /// <summary>Where values differ by more than rounding; NaN is the same as NaN.</summary>
    private Tensor Differs(Tensor found, Tensor expected, double slack = 1)
    {
        long[] dimensions = [.. Enumerable.Range(0, (int)expected.Dimensions).Select(i => (long)i)];
        var scale = expected.to(ScalarType.Float64).nan_to_num(0, 0, 0).abs().amax(dimensions);
        var difference = (found.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).abs();
        return difference.gt(scale.Times(slack * tolerance)).logical_or(found.isnan().logical_xor(expected.isnan()));
    }

    private static bool AreEqual(Tensor found, Tensor expected) =>
        found.shape.SequenceEqual(expected.shape)
        && found.eq(expected).logical_or(found.isnan().logical_and(expected.isnan())).all().item<bool>();

    private Tensor Random(long[] shape) => randn(shape, device: CPU, generator: generator);

    private string Where(Axis axis) => axis == Axis.Rows
        ? $"along rows of a map of height {rows.InputLength}"
        : $"along columns of a map of width {columns.InputLength}";

    private sealed class Sum : IGradientSink
    {
        private readonly Dictionary<IntPtr, Tensor> sums = [];

        public Tensor? Image { get; set; }

        public Tensor this[Parameter parameter] => sums.TryGetValue(parameter.Handle, out var sum) ? sum : zeros_like(parameter);

        public void Add(Parameter parameter, Tensor gradient) =>
            sums[parameter.Handle] = sums.TryGetValue(parameter.Handle, out var sum) ? sum.Plus(gradient) : gradient.clone();
    }
}
