using System.Globalization;

namespace StreamingCnn.Interop;

/// <summary>A number for each of the two axes, as TorchSharp's layers hold them in arrays of one or two.</summary>
internal readonly record struct Pair(long Rows, long Columns)
{
    /// <summary>Reads a layer's array: none means <paramref name="missing"/>, one number is for both axes.</summary>
    public static Pair From(long[]? values, Pair missing = default) => values switch
    {
        null or [] => missing,
        [var both] => new(both, both),
        [var rows, var columns, ..] => new(rows, columns),
    };

    /// <summary>The number for one axis.</summary>
    public long this[Geometry.Axis axis] => axis == Geometry.Axis.Rows ? Rows : Columns;

    /// <summary>As TorchSharp's functions take it.</summary>
    public long[] ToArray() => [Rows, Columns];

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{Rows}, {Columns}]");
}
