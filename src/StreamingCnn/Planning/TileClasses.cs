using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// The kinds of steps along one axis: tiles in the middle of an image are alike, but for the image's border and the phase of strides. What is true of one tile holds for all
/// of its kind.
/// </summary>
internal sealed class TileClasses
{
    private readonly int[] classes;
    private readonly List<int> examples = [];
    private readonly List<int> counts = [];

    public TileClasses(AxisLayout layout)
    {
        classes = new int[layout.Steps];
        var known = new Dictionary<string, int>();
        for (var step = 0; step < layout.Steps; step++)
        {
            var signature = Signature(layout, step);
            if (!known.TryGetValue(signature, out var kind))
            {
                known.Add(signature, kind = examples.Count);
                examples.Add(step);
                counts.Add(0);
            }

            classes[step] = kind;
            counts[kind]++;
        }
    }

    /// <summary>Number of kinds.</summary>
    public int Count => examples.Count;

    /// <summary>The kind of a step.</summary>
    public int Of(int step) => classes[step];

    /// <summary>A step of the kind.</summary>
    public int Example(int kind) => examples[kind];

    /// <summary>How many steps are of the kind.</summary>
    public int Steps(int kind) => counts[kind];

    /// <summary>All lengths and distances that a tile's work depends on, as text.</summary>
    private static string Signature(AxisLayout layout, int step)
    {
        var text = new System.Text.StringBuilder();
        foreach (var node in layout.Network.Graph.Layers)
        {
            var computed = layout.Computed(node.Index, step);
            if (computed.IsEmpty)
            {
                text.Append('-');
                continue;
            }

            var span = layout.Patch(node.Index, step).Span;
            text.Append(computed.Length).Append(':').Append(span.Interval.Length).Append(':').Append(span.Before).Append(':').Append(span.After);
            foreach (var input in node.Inputs)
                text.Append(':').Append(span.Start - layout.Computed(input, step).Start);
            text.Append(';');
        }

        return text.ToString();
    }
}
