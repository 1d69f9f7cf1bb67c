using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// A module that the engine cannot see into, along one axis, as a probe found it: output o reads inputs [stride o + first, stride o + end), cut to
/// the image, and an image of n pixels gives floor((n + surplus) / stride) outputs.
/// </summary>
/// <param name="Stride">Image pixels from one output to the next.</param>
/// <param name="First">First input of output 0; negative where the module pads.</param>
/// <param name="End">One past the last input of output 0.</param>
/// <param name="Surplus">Pixels that padding adds less those that the windows need.</param>
internal sealed record WindowGeometry(long Stride, long First, long End, long Surplus)
{
    /// <summary>Number of outputs for an image of the given length.</summary>
    public long OutputLength(long length) => Division.Floor(length + Surplus, Stride);

    /// <summary>
    /// The pixels that a tile reads to compute its outputs. It begins at a multiple of the stride, so that the module's own grid falls on the
    /// image's.
    /// </summary>
    public Interval Window(Interval outputs, long length)
    {
        var start = Math.Max(0, Division.Floor(Stride * outputs.Start + First, Stride) * Stride);
        var end = outputs.End >= OutputLength(length) ? length : Math.Min(length, Stride * (outputs.End - 1) + End);
        return new(start, end);
    }

    /// <summary>Outputs of the tile at <paramref name="step"/>: those over its own pixels. Over all tiles they partition the output.</summary>
    public Interval Owned(int step, long tile, long length)
    {
        var outputs = OutputLength(length);
        return new(Cut(step), Cut(step + 1));

        long Cut(int at) => Division.Ceiling(Math.Min(at * tile, length) * outputs, length);
    }
}
