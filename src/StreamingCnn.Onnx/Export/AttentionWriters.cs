using StreamingCnn.Models;
using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Export;

/// <summary>
/// Attention between neighbours: positions are laid in blocks, each of which looks at a block of positions by products of matrices, with a
/// bias of minus infinity where a position does not look at another. The import knows it again by writing it anew.
/// </summary>
internal static class AttentionWriters
{
    /// <summary>Adds it to what is written.</summary>
    public static void Add()
    {
        LayerWriters.Add<WindowAttention>((layer, graph, name, x) => Write(
            graph,
            Form(layer, graph, name, ".relative_position_bias_table") with
            {
                IsCut = true,
                Shift = layer.Shift > 0 ? graph.Integers(layer.Shift) : null,
            },
            name,
            x));
        LayerWriters.Add<NeighbourhoodAttention>((layer, graph, name, x) => Write(graph, Form(layer, graph, name, ".rpb"), name, x));
    }

    /// <summary>Writes attention.</summary>
    /// <param name="graph">Where to.</param>
    /// <param name="form">The attention.</param>
    /// <param name="name">What it and its nodes are called.</param>
    /// <param name="x">What it reads.</param>
    /// <returns>What it gives.</returns>
    public static string Write(GraphWriter graph, AttentionForm form, string name, string x)
    {
        var shape = graph.Node("Shape", name + ".shape", [x]);
        var (rows, columns) = (Axis(2, ".rows"), Axis(3, ".columns"));
        return LayerWriters.OverChannels(graph, name, x, last =>
        {
            var map = Map(graph, name, last, rows, columns);
            var values = LayerWriters.Product(graph, name + ".qkv", map, form.InputWeight, form.InputBias);
            var parts = graph.Several("Split", name + ".parts", [values], 3, ("axis", LayerWriters.Whole(-1)));
            var joined = Attended(graph, form, name, parts, rows, columns);
            return LayerWriters.Product(
                graph, name + ".proj", Kept(graph, name, joined, rows, columns), form.OutputWeight, form.OutputBias);
        });

        AttentionAxis Axis(long axis, string own)
        {
            var length = graph.Node(
                "Slice", name + own, [shape, graph.Integers(axis), graph.Integers(axis + 1), graph.Integers(0)]);
            return form.IsCut
                ? AttentionAxis.OfWindows(graph, form, name + own, length)
                : AttentionAxis.OfNeighbours(graph, form, name + own, length);
        }
    }

    private static AttentionForm Form(LocalAttention layer, GraphWriter graph, string name, string table) => new()
    {
        Channels = layer.Channels,
        Heads = layer.Heads,
        Window = layer.Window,
        IsCut = false,
        InputWeight = graph.Parameter(layer.Inputs.weight, name + ".qkv.weight"),
        InputBias = graph.Parameter(layer.Inputs.bias!, name + ".qkv.bias"),
        OutputWeight = graph.Parameter(layer.Outputs.weight, name + ".proj.weight"),
        OutputBias = graph.Parameter(layer.Outputs.bias!, name + ".proj.bias"),
        Table = graph.Parameter(layer.Table, name + table),
    };

    /// <summary>The map with the zeros behind it, [N, padded rows, padded columns, C], rolled where windows are shifted.</summary>
    private static string Map(GraphWriter graph, string name, string last, AttentionAxis rows, AttentionAxis columns)
    {
        var pads = graph.Node(
            "Concat",
            name + ".pads",
            [graph.Integers(0, 0, 0, 0, 0), Behind(rows, ".rows"), Behind(columns, ".columns"), graph.Integers(0)],
            ("axis", LayerWriters.Whole(0)));
        var map = graph.Node("Pad", name + ".padded", [last, pads], ("mode", new() { Text = "constant" }));
        return rows.Rolled is null || columns.Rolled is null
            ? map
            : Taken(graph, name + ".rolled", map, rows.Rolled, 1, columns.Rolled, 2);

        string Behind(AttentionAxis axis, string own) =>
            graph.Node("Sub", name + own + ".behind_map", [axis.Padded, axis.Length]);
    }

    /// <summary>What the positions gather from those that they look at, [N, padded rows, padded columns, C].</summary>
    private static string Attended(
        GraphWriter graph, AttentionForm form, string name, IReadOnlyList<string> parts, AttentionAxis rows, AttentionAxis columns)
    {
        var queries = Headed(graph, form, name + ".queries", Cut(".queries", parts[0]), rows.Queries, columns.Queries);
        var keys = Headed(graph, form, name + ".keys", Looked(".keys", parts[1]), rows.Keys, columns.Keys);
        var values = Headed(graph, form, name + ".values", Looked(".values", parts[2]), rows.Keys, columns.Keys);
        var scaled = graph.Node("Mul", name + ".scaled", [queries, graph.Number(1 / Math.Sqrt((double)form.Channels / form.Heads))]);
        var turned = graph.Node("Transpose", name + ".turned", [keys], Order(0, 1, 2, 3, 5, 4));
        var scores = graph.Node(
            "Add",
            name + ".scores",
            [graph.Node("MatMul", name + ".products", [scaled, turned]), Biases(graph, form, name + ".biases", rows, columns)]);
        var weights = graph.Node("Softmax", name + ".softmax", [scores], ("axis", LayerWriters.Whole(-1)));
        var gathered = graph.Node("MatMul", name + ".gathered", [weights, values]);
        var squares = graph.Node(
            "Reshape", name + ".squares", [gathered, graph.Integers(0, 0, 0, 0, rows.Queries, columns.Queries, form.Depth)]);
        var laid = graph.Node("Transpose", name + ".laid", [squares], Order(0, 2, 4, 3, 5, 1, 6));
        var size = Shape(".size", graph.Integers(0), rows.Padded, columns.Padded, graph.Integers(form.Channels));
        return graph.Node("Reshape", name + ".joined", [laid, size]);

        // [N, blocks, positions of a block, blocks, positions of a block, C]
        string Cut(string own, string part) => graph.Node(
            "Reshape",
            name + own + ".cut",
            [
                part,
                Shape(
                    own + ".shape",
                    graph.Integers(0),
                    rows.Blocks,
                    graph.Integers(rows.Queries),
                    columns.Blocks,
                    graph.Integers(columns.Queries, form.Channels)),
            ]);

        string Looked(string own, string part) => rows.Looked is null || columns.Looked is null
            ? Cut(own, part)
            : Taken(graph, name + own + ".looked", part, rows.Looked, 1, columns.Looked, 3);

        string Shape(string own, params string[] sides) =>
            graph.Node("Concat", name + own, sides, ("axis", LayerWriters.Whole(0)));
    }

    /// <summary>Blocks by heads, with their positions in a row: [N, heads, blocks, blocks, positions, channels of a head].</summary>
    private static string Headed(GraphWriter graph, AttentionForm form, string name, string cut, long rows, long columns)
    {
        var heads = graph.Node("Reshape", name + ".heads", [cut, graph.Integers(0, 0, 0, 0, 0, form.Heads, form.Depth)]);
        var laid = graph.Node("Transpose", name + ".laid", [heads], Order(0, 5, 1, 3, 2, 4, 6));
        return graph.Node("Reshape", name, [laid, graph.Integers(0, 0, 0, 0, rows * columns, form.Depth)]);
    }

    /// <summary>
    /// With what each position of a block looks at each that the block looks at, [heads, blocks, blocks, positions, positions].
    /// </summary>
    private static string Biases(GraphWriter graph, AttentionForm form, string name, AttentionAxis rows, AttentionAxis columns)
    {
        var table = form.Table;
        if (form.IsCut)
        {
            var byHead = graph.Node("Transpose", name + ".by_head", [table], Order(1, 0));
            table = graph.Node("Reshape", name + ".table", [byHead, graph.Integers(form.Heads, form.Distances, form.Distances)]);
        }

        if (rows.HasStrangers)
        {
            table = graph.Node(
                "Pad",
                name + ".bounded",
                [table, graph.Integers(0, 0, 0, 0, 1, 1), graph.Number(double.NegativeInfinity)],
                ("mode", new() { Text = "constant" }));
        }

        var pairs = Taken(graph, name + ".pairs", table, rows.Biases, 1, columns.Biases, 4);
        var laid = graph.Node("Transpose", name + ".laid", [pairs], Order(0, 1, 4, 2, 5, 3, 6));
        return graph.Node(
            "Reshape", name, [laid, graph.Integers(0, 0, 0, rows.Queries * columns.Queries, rows.Keys * columns.Keys)]);
    }

    /// <summary>The map's own positions, where they belong.</summary>
    private static string Kept(GraphWriter graph, string name, string joined, AttentionAxis rows, AttentionAxis columns)
    {
        if (rows.Unrolled is not null && columns.Unrolled is not null)
            return Taken(graph, name + ".kept", joined, rows.Unrolled, 1, columns.Unrolled, 2);
        var sides = graph.Node("Concat", name + ".sides", [rows.Length, columns.Length], ("axis", LayerWriters.Whole(0)));
        return graph.Node("Slice", name + ".kept", [joined, graph.Integers(0, 0), sides, graph.Integers(1, 2)]);
    }

    /// <summary>What stands at some places of an axis, and of that at some places of another.</summary>
    private static string Taken(GraphWriter graph, string name, string x, string rows, long axis, string columns, long other)
    {
        var taken = graph.Node("Gather", name + ".of_rows", [x, rows], ("axis", LayerWriters.Whole(axis)));
        return graph.Node("Gather", name, [taken, columns], ("axis", LayerWriters.Whole(other)));
    }

    private static (string, OnnxAttribute) Order(params long[] axes) => ("perm", new() { Integers = axes });
}
