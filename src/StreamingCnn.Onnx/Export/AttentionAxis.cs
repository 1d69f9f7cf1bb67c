using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Export;

/// <summary>
/// One axis of attention between neighbours: names of values that say, for the size that an image has, which positions are computed
/// together and at which they look.
/// </summary>
internal sealed record AttentionAxis
{
    // Positions that are computed at once, where each has neighbours of its own: fewer cost more copies, more cost products with positions
    // that are not looked at.
    private const long Block = 8;

    /// <summary>Positions of the map, [1].</summary>
    public required string Length { get; init; }

    /// <summary>Positions of the map and the zeros behind it, [1].</summary>
    public required string Padded { get; init; }

    /// <summary>Blocks of them, [1].</summary>
    public required string Blocks { get; init; }

    /// <summary>Positions of a block.</summary>
    public required long Queries { get; init; }

    /// <summary>Positions at which a block looks.</summary>
    public required long Keys { get; init; }

    /// <summary>Which these are, [blocks, keys]; null where they are the block's own.</summary>
    public string? Looked { get; init; }

    /// <summary>
    /// The place of the bias with which a position looks at another, [blocks or 1, queries, keys]; the number of distances where it does
    /// not.
    /// </summary>
    public required string Biases { get; init; }

    /// <summary>Which position stands where before the map is cut, [padded]; null where each stays.</summary>
    public string? Rolled { get; init; }

    /// <summary>Where each position stands then, [length]; null where each stays.</summary>
    public string? Unrolled { get; init; }

    /// <summary>Whether there are positions of a block that do not look at each other.</summary>
    public bool HasStrangers => Looked is not null || Rolled is not null;

    /// <summary>An axis that is cut into windows.</summary>
    /// <param name="graph">Where its values are computed.</param>
    /// <param name="form">The attention.</param>
    /// <param name="name">What its values' names begin with.</param>
    /// <param name="length">Positions of the map, [1].</param>
    public static AttentionAxis OfWindows(GraphWriter graph, AttentionForm form, string name, string length)
    {
        var window = graph.Integers(form.Window);
        var one = graph.Integers(1);
        var blocks = Blocked(graph, name, length, form.Window);
        var padded = graph.Node("Mul", name + ".padded", [blocks, window]);
        var (sides, places) = (Enumerable.Range(0, (int)form.Window).ToArray(), new List<long>());
        foreach (var query in sides)
            places.AddRange(sides.Select(key => query - key + form.Window - 1));
        var axis = new AttentionAxis
        {
            Length = length,
            Padded = padded,
            Blocks = blocks,
            Queries = form.Window,
            Keys = form.Window,
            Biases = graph.Indices($"const::distances[{form.Window}]", [.. places], 1, form.Window, form.Window),
        };
        if (form.Shift is null)
            return axis;

        // One window that covers all of the map is not shifted.
        var several = graph.Node("Min", name + ".several", [graph.Node("Sub", name + ".others", [blocks, one]), one]);
        var shift = graph.Node("Mul", name + ".shift", [form.Shift, several]);
        var positions = Counted(graph, name + ".positions", padded);
        var rolled = graph.Node("Mod", name + ".rolled", [graph.Node("Add", name + ".shifted", [positions, shift]), padded]);
        var back = graph.Node("Sub", name + ".back", [padded, shift]);
        var unrolled = graph.Node(
            "Mod", name + ".unrolled", [graph.Node("Add", name + ".places", [Counted(graph, name + ".kept", length), back]), padded]);
        // What comes from the map's other end is a stranger to the rest of its window.
        var kinds = graph.Node(
            "Reshape",
            name + ".kinds",
            [
                graph.Node(
                    "Cast",
                    name + ".wrapped",
                    [graph.Node("Less", name + ".from_end", [rolled, positions])],
                    ("to", LayerWriters.Whole((long)OnnxType.Int64))),
                graph.Integers(-1, form.Window),
            ]);
        var alike = graph.Node(
            "Equal",
            name + ".alike",
            [
                graph.Node("Unsqueeze", name + ".of_queries", [kinds, graph.Integers(2)]),
                graph.Node("Unsqueeze", name + ".of_keys", [kinds, one]),
            ]);
        return axis with
        {
            Rolled = rolled,
            Unrolled = unrolled,
            Biases = graph.Node("Where", name + ".biases", [alike, axis.Biases, graph.Integers(form.Distances)]),
        };
    }

    /// <summary>An axis of which each position looks at those around it, or, near an end, at the first or last.</summary>
    /// <inheritdoc cref="OfWindows"/>
    public static AttentionAxis OfNeighbours(GraphWriter graph, AttentionForm form, string name, string length)
    {
        var (window, one, zero) = (graph.Integers(form.Window), graph.Integers(1), graph.Integers(0));
        var keys = Block + form.Window - 1;
        var whole = graph.Node("Max", name + ".whole", [length, window]);
        var blocks = Blocked(graph, name, whole, Block);
        var padded = graph.Node("Mul", name + ".padded", [blocks, graph.Integers(Block)]);
        var positions = graph.Node(
            "Reshape", name + ".positions", [Counted(graph, name + ".counted", padded), graph.Integers(-1, Block)]);
        var around = graph.Node("Sub", name + ".around", [positions, graph.Integers(form.Window / 2)]);
        var latest = graph.Node("Sub", name + ".latest", [whole, window]);
        var starts = graph.Node("Max", name + ".starts", [graph.Node("Min", name + ".not_late", [around, latest]), zero]);
        var firsts = graph.Node("Slice", name + ".firsts", [starts, zero, one, one]);
        var all = graph.Node(
            "Add", name + ".all", [firsts, graph.Integers([.. Enumerable.Range(0, (int)keys).Select(key => (long)key)])]);
        var looked = graph.Node("Min", name + ".looked", [all, graph.Node("Sub", name + ".last", [whole, one])]);

        var ofKeys = graph.Node("Unsqueeze", name + ".of_keys", [all, one]);
        var behind = graph.Node(
            "Sub", name + ".behind", [ofKeys, graph.Node("Unsqueeze", name + ".of_starts", [starts, graph.Integers(2)])]);
        var within = graph.Node(
            "Max", name + ".within", [graph.Node("Min", name + ".not_behind", [behind, graph.Integers(form.Window - 1)]), zero]);
        var distances = graph.Node(
            "Sub", name + ".distances", [ofKeys, graph.Node("Unsqueeze", name + ".of_queries", [positions, graph.Integers(2)])]);
        // What lies behind the map is computed and left out: any bias will do, and every place must be one of the table.
        var places = graph.Node(
            "Max", name + ".places", [graph.Node("Add", name + ".table", [distances, graph.Integers(form.Window - 1)]), zero]);
        return new()
        {
            Length = length,
            Padded = padded,
            Blocks = blocks,
            Queries = Block,
            Keys = keys,
            Looked = looked,
            Biases = graph.Node(
                "Where",
                name + ".biases",
                [graph.Node("Equal", name + ".seen", [behind, within]), places, graph.Integers(form.Distances)]),
        };
    }

    /// <summary>How many blocks hold all positions, [1].</summary>
    private static string Blocked(GraphWriter graph, string name, string length, long block) => graph.Node(
        "Div", name + ".blocks", [graph.Node("Add", name + ".up", [length, graph.Integers(block - 1)]), graph.Integers(block)]);

    /// <summary>Whole numbers from 0 to below one.</summary>
    private static string Counted(GraphWriter graph, string name, string end) => graph.Node(
        "Range",
        name,
        [graph.Integer(0), graph.Node("Squeeze", name + ".end", [end, graph.Integers(0)]), graph.Integer(1)]);
}
