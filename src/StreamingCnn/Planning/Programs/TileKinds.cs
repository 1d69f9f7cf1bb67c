using StreamingCnn.Geometry;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// The kinds of steps along one axis: all of a kind have the same lengths and distances. What the width of strips that only wait is,
/// stays out of it, or every tile were a kind of its own.
/// </summary>
internal sealed class TileKinds
{
    private readonly int[] kinds;
    private readonly List<int> examples = [];
    private readonly List<int> counts = [];

    /// <param name="grid">The grid.</param>
    /// <param name="axis">One of its axes.</param>
    public TileKinds(GridPlan grid, Axis axis)
    {
        var layout = axis == Axis.Rows ? grid.Rows : grid.Columns;
        kinds = new int[layout.Steps];
        var known = new Dictionary<Signature, int>();
        for (var step = 0; step < layout.Steps; step++)
        {
            var signature = Signature.Of(grid, axis, step);
            if (!known.TryGetValue(signature, out var kind))
            {
                known.Add(signature, kind = examples.Count);
                examples.Add(step);
                counts.Add(0);
            }

            kinds[step] = kind;
            if (axis == Axis.Columns && !grid.Stripe.Contains(step))
                continue;
            // Of other processes' tiles the grid knows less: what they leave for others than this one stays away.
            if (counts[kind]++ == 0)
                examples[kind] = step;
        }
    }

    /// <summary>Number of kinds.</summary>
    public int Count => examples.Count;

    /// <summary>The kind of a step.</summary>
    public int Of(int step) => kinds[step];

    /// <summary>A step of the kind.</summary>
    public int Example(int kind) => examples[kind];

    /// <summary>How many steps are of the kind, of those that this process runs.</summary>
    public int Steps(int kind) => counts[kind];

    /// <summary>The different lengths, padding included, that a layer reads.</summary>
    /// <param name="layout">The grid along the axis.</param>
    /// <param name="node">The layer's node.</param>
    public long[] Reads(AxisLayout layout, int node) =>
        [.. examples.Where(step => !layout.Computed(node, step).IsEmpty).Select(step => layout.Patch(node, step).PaddedLength).Distinct()];

    /// <summary>All that a step's programs depend on along the axis.</summary>
    private sealed class Signature(List<long> numbers) : IEquatable<Signature>
    {
        private readonly long[] numbers = [.. numbers];

        public static Signature Of(GridPlan grid, Axis axis, int step)
        {
            var layout = axis == Axis.Rows ? grid.Rows : grid.Columns;
            var numbers = new List<long>();
            foreach (var node in layout.Network.Graph.Layers)
            {
                var computed = layout.Computed(node.Index, step);
                numbers.Add(computed.Length);
                if (computed.IsEmpty)
                    continue;
                var span = layout.Patch(node.Index, step).Span;
                numbers.AddRange([span.Interval.Length, span.Before, span.After, Leaves(node.Index) ? 1 : 0]);
                foreach (var input in node.Inputs)
                    numbers.Add(span.Start - layout.Computed(input, step).Start);
            }

            foreach (var output in grid.Graph.Outputs)
                numbers.AddRange(
                    [layout.Owned(output, step).Length, layout.Owned(output, step).Start - layout.Computed(output, step).Start]);
            return new(numbers);

            bool Leaves(int node) => grid.Carry(node) is { } carry && !(axis == Axis.Rows ? carry.Rows : carry.Columns).Chunk(step).IsEmpty;
        }

        public bool Equals(Signature? other) => other is not null && numbers.AsSpan().SequenceEqual(other.numbers);

        public override bool Equals(object? other) => Equals(other as Signature);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var number in numbers)
                hash.Add(number);
            return hash.ToHashCode();
        }
    }
}
