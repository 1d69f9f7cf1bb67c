using StreamingCnn.Geometry;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>A rectangle of a layer's output that is to be computed, and the rectangle of its input that this takes.</summary>
/// <param name="Rows">The rectangle's rows.</param>
/// <param name="Columns">The rectangle's columns.</param>
/// <param name="Seed">
/// Seed of this layer in this step, for layers that draw random numbers; the same in the forward pass and in the recomputation.
/// </param>
public readonly record struct Patch(AxisPatch Rows, AxisPatch Columns, long Seed = 0)
{
    /// <summary>The outputs to compute.</summary>
    public Region Output => new(Rows.Output, Columns.Output);

    /// <summary>The inputs that they read, without padding.</summary>
    public Region Input => new(Rows.Span.Interval, Columns.Span.Interval);

    /// <summary>
    /// The operand together with its padding of zeros, where both lie in one piece of memory already; null where they do not.
    /// </summary>
    internal Tensor? LaidOut { get; init; }

    /// <summary>The inputs that are read and the padding around them, as positions that may lie outside of the map.</summary>
    internal Region Padded => new(Padding(Rows), Padding(Columns));

    /// <summary>Whether any of what is read is padding.</summary>
    public bool IsPadded => Rows.Span.IsPadded || Columns.Span.IsPadded;

    /// <summary>Positions of what is read, padding included; 0 where none of it is padding.</summary>
    internal long PaddedPositions => IsPadded ? Rows.PaddedLength * Columns.PaddedLength : 0;

    private static Interval Padding(in AxisPatch patch) => new(patch.Span.Start - patch.Span.Before, patch.Span.End + patch.Span.After);
}
