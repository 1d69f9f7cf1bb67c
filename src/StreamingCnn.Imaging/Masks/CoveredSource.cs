using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>
/// A mask at the size of a map that is made of its image: a position is 1 where any pixel beneath it is not 0, so that no foreground is
/// lost, however small.
/// </summary>
/// <remarks>
/// Beneath position i of N lie the pixels from floor(i n / N) to ceil((i + 1) n / N) of n, as adaptive pooling divides a map.
/// </remarks>
public sealed class CoveredSource : IImageSource
{
    // So many pixels of the mask are read at once at most, but always those beneath a row.
    private const long BandPixels = 16 << 20;

    private readonly IImageSource mask;

    /// <summary>Creates the view. The mask stays the caller's.</summary>
    /// <param name="mask">The mask, of one channel; not disposed.</param>
    /// <param name="height">Height of the map, at most the mask's.</param>
    /// <param name="width">Width of the map, at most the mask's.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1.</exception>
    public CoveredSource(IImageSource mask, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        (this.mask, Height, Width) = (mask, height, width);
    }

    /// <inheritdoc/>
    public int Channels => 1;

    /// <inheritdoc/>
    public long Height { get; }

    /// <inheritdoc/>
    public long Width { get; }

    /// <summary>Whether any pixel of the mask is not 0.</summary>
    public bool IsAny()
    {
        for (long row = 0; row < Height; row++)
        {
            using var scope = NewDisposeScope();
            if (Read(row, 0, 1, Width).to(ScalarType.Bool).any().item<bool>())
                return true;
        }

        return false;
    }

    /// <summary>Reads a window of zeros and ones, [1, 1, h, w] of bytes.</summary>
    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        var columns = Beneath(left, width, mask.Width, Width);
        var rows = Beneath(top, height, mask.Height, Height);
        var across = columns[^1].End - columns[0].Start;
        var bands = new List<Tensor>();
        for (var done = 0; done < rows.Length;)
        {
            var end = done + 1;
            while (end < rows.Length && (rows[end].End - rows[done].Start) * across <= BandPixels)
                end++;
            bands.Add(Band(rows[done..end], columns, across));
            done = end;
        }

        return (bands.Count == 1 ? bands[0] : cat(bands, 2)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private Tensor Band((long Start, long End)[] rows, (long Start, long End)[] columns, long across)
    {
        using var scope = NewDisposeScope();
        var window = mask.Read(rows[0].Start, columns[0].Start, rows[^1].End - rows[0].Start, across).to(ScalarType.Bool);
        var covered = Counted(Counted(window.to(ScalarType.Int32), 3, columns).to(ScalarType.Bool).to(ScalarType.Int32), 2, rows);
        return covered.to(ScalarType.Bool).to(ScalarType.Byte).MoveToOuterDisposeScope();
    }

    /// <summary>How much of an axis is not 0 beneath each position: differences of running sums.</summary>
    private static Tensor Counted(Tensor values, int axis, (long Start, long End)[] places)
    {
        var sums = nn.functional.pad(values.cumsum(axis), axis == 3 ? [1, 0, 0, 0] : [0, 0, 1, 0]);
        var first = places[0].Start;
        var (starts, ends) = (places.Select(place => place.Start - first).ToArray(), places.Select(place => place.End - first).ToArray());
        return sums.index_select(axis, tensor(ends)).sub(sums.index_select(axis, tensor(starts)));
    }

    private static (long Start, long End)[] Beneath(long first, long count, long length, long positions)
    {
        var places = new (long Start, long End)[count];
        for (var i = 0; i < count; i++)
            places[i] = ((first + i) * length / positions, (((first + i + 1) * length) + positions - 1) / positions);
        return places;
    }
}
