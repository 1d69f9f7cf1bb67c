using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Attention between neighbouring positions, computed in products of matrices for a row of blocks at a time. The backward pass computes
/// that once more, so that the record holds the input alone.
/// </summary>
/// <remarks>
/// Queries, keys and values are made in the layer and not by one before it: to carry them from tile to tile would take three times the
/// memory of carrying the map.
/// </remarks>
/// <param name="attention">The module.</param>
/// <param name="along">What it looks at along an axis, for a map of a length.</param>
internal sealed class AttentionLayer(LocalAttention attention, Func<long, AttentionMap> along) : LocalLayer
{
    // Products, those with biases, and weights; autograd keeps the weights and makes gradients of them all.
    private const long ScoresForward = 3;
    private const long ScoresBackward = 6;

    // Queries, and, of all blocks that look at them, keys and values; backwards their gradients, too.
    private const long CopiesBackward = 2;

    public override Module Module => attention;

    public override bool OutputIsFresh => true;

    public override string? Refusal => RefusalOf(attention.Inputs) ?? RefusalOf(attention.Outputs);

    internal override IEnumerable<Module> Modules => [attention, attention.Inputs, attention.Outputs];

    internal override WorkKind WorkKind => WorkKind.PerPixel;

    // Four products of matrices with the channels of each pixel, and two with the positions that it is compared with.
    internal override double WorkPerPosition =>
        attention.Channels * ((8.0 * attention.Channels) + (4 * Longest.LongestKeys * Longest.LongestKeys));

    public override long? InputChannels => attention.Channels;

    private AttentionMap Longest => along(attention.Window);

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == attention.Channels
        ? attention.Channels
        : throw new GeometryException($"expects {attention.Channels} channels, but gets {inputs[0]}");

    public override AxisMap Along(Axis axis, long length) => along(length);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => attention.call(inputs[0]);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        using var scope = NewDisposeScope();
        var rectangle = new AttentionRectangle(attention, patch);
        var values = Apply(attention.Inputs, rectangle.Pixels(inputs[0]));
        var gathered = rectangle.Gathered(values);
        var biases = attention.Biases(attention.Table);
        rectangle.ForEachRow(values.device, (row, places) =>
            rectangle.Queries(gathered, row).copy_(rectangle.Attend(row, places, rectangle.Keys(values, row), biases)));
        return Apply(attention.Outputs, gathered).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), RecordAlone(inputs, patch, wanted));

    internal override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        new Record(attention, inputs[0].alias().DetachFromDisposeScope(), patch, wanted[0]);

    internal override LayerMemory MemoryOf(in Patch patch)
    {
        var (rows, columns) = ((AttentionMap)patch.Rows.Map, (AttentionMap)patch.Columns.Map);
        double channels = attention.Channels, outputs = patch.Output.Area;
        var read = (double)Padded(patch.Rows, rows) * Padded(patch.Columns, columns);
        var blocks = Division.Ceiling(patch.Columns.Output.Length, columns.LongestQueries) + 1;
        double queries = rows.LongestQueries * columns.LongestQueries, keys = rows.LongestKeys * columns.LongestKeys;
        var scores = blocks * attention.Heads * queries * keys;
        var copies = blocks * channels * (queries + (2 * keys));
        // Pixels one by one, with queries, keys and values; what the outputs gather; a row of blocks.
        var forward = (4 * channels * read) + (channels * outputs) + (ScoresForward * scores) + copies;
        var backward = (7 * channels * read) + (2 * channels * outputs) + (ScoresBackward * scores) + (CopiesBackward * copies);
        return new(KeepsInput: true, KeepsOutput: false)
        {
            FollowsFromInput = true,
            GradientIsFresh = true,
            ValuesInside = forward / (channels * outputs),
            ValuesInsideBackward = backward / (channels * outputs),
        };
    }

    private static long Padded(in AxisPatch patch, AttentionMap map) => patch.Span.End == map.InputLength
        ? map.PaddedLength - patch.Span.Start
        : patch.Span.Interval.Length;

    private static string? RefusalOf(Linear linear) =>
        WeightShape.RefusalOf(linear.weight, linear.out_features, linear.in_features);

    private static Tensor Apply(Linear linear, Tensor pixels) => functional.linear(pixels, linear.weight, linear.bias);

    private sealed class Record(LocalAttention attention, Tensor window, Patch patch, bool isWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [window];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            using var scope = NewDisposeScope();
            var rectangle = new AttentionRectangle(attention, patch);
            var pixels = rectangle.Pixels(window);
            var values = Apply(attention.Inputs, pixels);
            var gathered = rectangle.Gathered(values);
            var ofOutputs = gradient.permute(0, 2, 3, 1);
            var ofGathered = ofOutputs.matmul(attention.Outputs.weight);
            var ofValues = OfValues(rectangle, values, gathered, ofGathered, parameters);
            AddWeights(attention.Outputs, ofOutputs, gathered, parameters);
            AddWeights(attention.Inputs, ofValues, pixels, parameters);
            window.Dispose();
            if (!isWanted)
                return [null];
            var ofPixels = ofValues.matmul(attention.Inputs.weight);
            var ofWindow = rectangle.WithoutPadding(ofPixels).permute(0, 3, 1, 2);
            return [new(ofWindow.MoveToOuterDisposeScope(), IsExclusive: true)];
        }

        public override void Dispose() => window.Dispose();

        /// <summary>The gradient of queries, keys and values; what the outputs gather is computed on the way.</summary>
        private Tensor OfValues(
            AttentionRectangle rectangle, Tensor values, Tensor gathered, Tensor ofGathered, IGradientSink parameters)
        {
            var ofValues = zeros_like(values);
            var table = attention.Table.detach().requires_grad_(attention.Table.requires_grad);
            var ofTable = zeros_like(table);
            rectangle.ForEachRow(values.device, (row, places) =>
            {
                var keys = rectangle.Keys(values, row).detach().requires_grad_(true);
                Tensor part;
                using (enable_grad())
                    part = rectangle.Attend(row, places, keys, attention.Biases(table));
                Tensor[] operands = table.requires_grad ? [keys, table] : [keys];
                var found = ScriptedOperators.Gradients(part, rectangle.Queries(ofGathered, row), operands);
                rectangle.Queries(gathered, row).copy_(part.detach());
                rectangle.Keys(ofValues, row).Accumulate(found[0]!);
                if (found is [_, { } ofBiases])
                    ofTable.Accumulate(ofBiases);
            });
            if (table.requires_grad)
                parameters.Add(attention.Table, ofTable.detach().MoveToOuterDisposeScope());
            return ofValues;
        }

        private static void AddWeights(Linear linear, Tensor gradient, Tensor input, IGradientSink parameters)
        {
            var outputs = gradient.reshape(-1, linear.out_features);
            if (linear.weight.requires_grad)
                parameters.Add(linear.weight, outputs.t().mm(input.reshape(-1, linear.in_features)).MoveToOuterDisposeScope());
            if (linear.bias is { requires_grad: true } bias)
                parameters.Add(bias, outputs.sum([0]).MoveToOuterDisposeScope());
        }
    }
}
