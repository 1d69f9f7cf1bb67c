using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// A module that the engine cannot see into, along one axis, as a probe found it. Its grid repeats: an image that begins or ends one period
/// earlier makes so many outputs less, and the others are the same but for a few next to the cut. All windows are the image less whole
/// periods at either end, so that the module meets lengths of one residue alone: those of networks that pool and enlarge again give other
/// grids for others.
/// </summary>
/// <param name="Period">Pixels after which the grid repeats.</param>
/// <param name="PerPeriod">Outputs of a period.</param>
/// <param name="Lead">Outputs of a window that its cut beginning changes.</param>
/// <param name="Trail">Outputs of a window that its cut end changes.</param>
/// <param name="Least">The shortest window; images that are no longer are not cut.</param>
/// <param name="Known">A length and the outputs that it gives, from which those of others follow.</param>
internal sealed record WindowGeometry(long Period, long PerPeriod, long Lead, long Trail, long Least, (long Length, long Outputs) Known)
{
    /// <summary>An axis of one length that is never cut.</summary>
    public static WindowGeometry Uncut(long length, long outputs) => new(length, outputs, 0, 0, length, (length, outputs));

    /// <summary>Pixels of a window of which some outputs are unchanged by the cuts, and a few periods more.</summary>
    public long Needed => AtLeast(Math.Max(Least, (Division.Ceiling(Lead, PerPeriod) + Division.Ceiling(Trail, PerPeriod) + 3) * Period));

    /// <summary>Whether what is known holds for images of this length.</summary>
    public bool Fits(long length) => (length - Known.Length) % Period == 0;

    /// <summary>Whether windows along the axis are shorter than the image.</summary>
    public bool IsCut => Known.Length > Least;

    /// <summary>The shortest length that is known and not below a bound; the only one for an axis that is not cut.</summary>
    public long AtLeast(long bound) => IsCut ? AtLeast(bound, Known.Length, Period) : Known.Length;

    /// <summary>The smallest number not below a bound that leaves the same remainder as another.</summary>
    public static long AtLeast(long bound, long like, long divisor) => bound + ((((like - bound) % divisor) + divisor) % divisor);

    /// <summary>Number of outputs for an image of the given length.</summary>
    public long OutputLength(long length) => Known.Outputs + ((length - Known.Length) / Period * PerPeriod);

    /// <summary>The shortest window that gives these outputs.</summary>
    public Interval Window(Interval outputs, long length)
    {
        var most = Math.Max(0, (length - Least) / Period);
        var before = Math.Clamp(Division.Floor(outputs.Start - Lead, PerPeriod), 0, most);
        var behind = Math.Clamp(Division.Floor(OutputLength(length) - outputs.End - Trail, PerPeriod), 0, most - before);
        return new(before * Period, length - (behind * Period));
    }

    /// <summary>The first of the image's outputs that stands in what the module makes of a window.</summary>
    public long FirstOutput(Interval window) => window.Start / Period * PerPeriod;

    /// <summary>The image's outputs that a window gives as the image does.</summary>
    public Interval Unchanged(Interval window, long length)
    {
        var first = FirstOutput(window);
        return new(
            window.Start == 0 ? 0 : first + Lead,
            first + OutputLength(window.Length) - (window.End == length ? 0 : Trail));
    }

    /// <summary>Number of tiles.</summary>
    public int Steps(long tile, long length) => length <= Least ? 1 : checked((int)Division.Ceiling(length, tile));

    /// <summary>
    /// Outputs of the tile at <paramref name="step"/>: those over its own pixels. Over all tiles they partition the output.
    /// </summary>
    public Interval Owned(int step, long tile, long length)
    {
        var outputs = OutputLength(length);
        return new(Cut(step), Cut(step + 1));

        long Cut(int at) => Division.Ceiling(Math.Min(length <= Least ? at * length : at * tile, length) * outputs, length);
    }
}
