using System.Runtime.CompilerServices;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>
/// Pixels of tiles. Where the file has a level of a tile's resolution they are read from there; other tiles are made of the four larger
/// ones, down to such a level. What takes many reads is kept, so that a file without smaller levels is read through once.
/// </summary>
/// <typeparam name="T">Type of the samples.</typeparam>
/// <typeparam name="TJoin">How one is made of four.</typeparam>
internal sealed class TilePyramid<T, TJoin>
    where T : unmanaged
    where TJoin : ITileJoin<T>
{
    // Tiles that four times four times four others are made of are made again only where they would not fit.
    private const int LeastKept = 3;

    // So few are read in no time.
    private const int MostReadAgain = 64;
    private const long MostBytesKept = 256 << 20;
    private const long MostBytesRecent = 48 << 20;

    private readonly int[] depths;
    private readonly bool[] isKept;
    private readonly BoundedCache<TilePlace, T[]> recent = new(MostBytesRecent, Bytes);
    private readonly Dictionary<TilePlace, T[]> kept = [];
    private readonly TileGrid grid;
    private readonly int channels;
    private readonly Func<TilePlace, T[]> read;
    private readonly long toKeep;
    private long madeAndKept;

    /// <param name="grid">The tiles.</param>
    /// <param name="channels">Samples of a pixel, side by side.</param>
    /// <param name="isStored">Whether the file has a level's pixels; it has those of the largest.</param>
    /// <param name="read">Reads a tile of such a level.</param>
    public TilePyramid(TileGrid grid, int channels, Func<int, bool> isStored, Func<TilePlace, T[]> read)
    {
        (this.grid, this.channels, this.read) = (grid, channels, read);
        depths = new int[grid.Top + 1];
        for (var level = grid.Top - 1; level >= 0; level--)
            depths[level] = isStored(level) ? 0 : depths[level + 1] + 1;
        isKept = [.. depths.Select((depth, level) => depth >= LeastKept && BytesFrom(depth) <= MostBytesKept
            && Count(level + depth) > MostReadAgain)];
        toKeep = isKept.Index().Where(level => level.Item).Sum(level => Count(level.Index));
    }

    /// <summary>How much is done of what is made once and kept, from 0 to 1; 1 where nothing has to be. From any thread.</summary>
    public double Share => toKeep == 0 ? 1 : (double)Interlocked.Read(ref madeAndKept) / toKeep;

    /// <summary>The pixels of a tile, row by row. The array is not the caller's to change.</summary>
    /// <exception cref="OperationCanceledException">It is no longer wanted; what was made until then is kept.</exception>
    public T[] Get(TilePlace place, CancellationToken cancellation)
    {
        if (!isKept[place.Level])
            return recent.Get(place, _ => Make(place, finer => Get(finer, cancellation), cancellation));
        if (!kept.TryGetValue(place, out var pixels))
        {
            kept[place] = pixels = Make(place, finer => Get(finer, cancellation), cancellation);
            Interlocked.Increment(ref madeAndKept);
        }

        return pixels;
    }

    /// <summary>Makes every tile once, larger ones first where smaller ones are made of them; a few are held at a time.</summary>
    /// <param name="take">Gets each.</param>
    /// <param name="cancellation">Ends it between two tiles.</param>
    public void All(Action<TilePlace, T[]> take, CancellationToken cancellation)
    {
        Visit(new(0, 0, 0));

        T[] Visit(TilePlace place)
        {
            var finer = place.Level < grid.Top ? grid.Finer(place).ToDictionary(one => one, Visit) : [];
            var pixels = Make(place, one => finer[one], cancellation);
            take(place, pixels);
            return pixels;
        }
    }

    private static long Bytes(T[] pixels) => (long)pixels.Length * Unsafe.SizeOf<T>();

    private long Count(int level) => grid.Count(level).Rows * grid.Count(level).Columns;

    private double BytesFrom(int depth) => Enumerable.Range(0, grid.Top + 1).Where(level => depths[level] >= depth).Sum(
        level => (double)grid.Size(level).Height * grid.Size(level).Width * channels * Unsafe.SizeOf<T>());

    private T[] Make(TilePlace place, Func<TilePlace, T[]> larger, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return depths[place.Level] == 0 ? read(place) : Join(place, larger);
    }

    private T[] Join(TilePlace place, Func<TilePlace, T[]> larger)
    {
        var region = grid.Region(place);
        var pixels = new T[region.Height * region.Width * channels];
        foreach (var finer in grid.Finer(place))
            Join(larger(finer), grid.Region(finer), region, pixels);
        return pixels;
    }

    /// <summary>Fills a quarter of a tile. Where a side of the larger level is odd, its last pixel counts twice.</summary>
    private void Join(T[] from, ImageRegion source, ImageRegion region, T[] pixels)
    {
        var (top, left) = ((source.Top / 2) - region.Top, (source.Left / 2) - region.Left);
        var line = (int)source.Width * channels;
        for (long y = 0; y * 2 < source.Height; y++)
        {
            var upper = from.AsSpan((int)(y * 2) * line, line);
            var lower = from.AsSpan((int)Math.Min((y * 2) + 1, source.Height - 1) * line, line);
            var target = pixels.AsSpan((int)(((top + y) * region.Width) + left) * channels, (int)((source.Width + 1) / 2) * channels);
            for (var i = 0; i < target.Length; i++)
            {
                var before = ((i / channels) * 2 * channels) + (i % channels);
                var behind = before + channels < line ? before + channels : before;
                target[i] = TJoin.Join(upper[before], upper[behind], lower[before], lower[behind]);
            }
        }
    }
}
