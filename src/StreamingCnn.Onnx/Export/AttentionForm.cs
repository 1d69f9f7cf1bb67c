namespace StreamingCnn.Onnx.Export;

/// <summary>
/// Attention between neighbouring positions, as it stands in a file: its sizes, and what its parameters are called there.
/// </summary>
internal sealed record AttentionForm
{
    /// <summary>Channels C of the map.</summary>
    public required long Channels { get; init; }

    /// <summary>Heads; a divisor of C.</summary>
    public required long Heads { get; init; }

    /// <summary>Positions that each looks at, along either axis.</summary>
    public required long Window { get; init; }

    /// <summary>Whether the map is cut into windows; if not, each position looks at those around it.</summary>
    public required bool IsCut { get; init; }

    /// <summary>By how much windows are shifted, [1]; null where they are not.</summary>
    public string? Shift { get; init; }

    /// <summary>What makes queries, keys and values, [3C, C].</summary>
    public required string InputWeight { get; init; }

    /// <summary>What is added to them, [3C].</summary>
    public required string InputBias { get; init; }

    /// <summary>What makes the output, [C, C].</summary>
    public required string OutputWeight { get; init; }

    /// <summary>What is added to it, [C].</summary>
    public required string OutputBias { get; init; }

    /// <summary>A bias for each distance and head, [distances * distances, heads] of windows, or [heads, distances, distances].</summary>
    public required string Table { get; init; }

    /// <summary>Distances between two positions that look at each other, of either sign, along an axis.</summary>
    public long Distances => (2 * Window) - 1;

    /// <summary>Channels of a head.</summary>
    public long Depth => Channels / Heads;
}
