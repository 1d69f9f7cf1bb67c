namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// A map of classes made small for a picture: of each square of positions the mean colour of its classes, and their share of it.
/// </summary>
/// <param name="palette">The classes.</param>
/// <param name="side">Greatest height and width of the picture.</param>
/// <param name="background">Number of the class that is not shown; null for none.</param>
public sealed class ClassGrid(IReadOnlyList<MapClass> palette, int side, int? background = 0) : IClassRows
{
    private const int Parts = 4;

    private long[] sums = [];
    private byte[] cells = [];
    private long mapHeight;
    private long mapWidth;

    /// <summary>Positions along a side of a square.</summary>
    public long Square { get; private set; } = 1;

    /// <summary>Height of the picture.</summary>
    public int Height { get; private set; }

    /// <summary>Width of the picture.</summary>
    public int Width { get; private set; }

    /// <summary>Of each square red, green, blue and share, each 0 to 255, row by row.</summary>
    public ReadOnlySpan<byte> Cells => cells;

    /// <inheritdoc/>
    public void Begin(long height, long width)
    {
        (mapHeight, mapWidth) = (height, width);
        Square = Math.Max(1, (Math.Max(height, width) + side - 1) / side);
        (Height, Width) = ((int)((height + Square - 1) / Square), (int)((width + Square - 1) / Square));
        (sums, cells) = (new long[Width * Parts], new byte[Height * Width * Parts]);
    }

    /// <inheritdoc/>
    public void Write(long row, ReadOnlySpan<byte> classes)
    {
        for (var x = 0; x < classes.Length; x++)
        {
            var number = classes[x];
            // Beyond the classes there are positions without data.
            if (number == background || number >= palette.Count)
                continue;
            var colour = palette[number];
            var sum = sums.AsSpan((int)(x / Square) * Parts, Parts);
            sum[0] += colour.Red;
            sum[1] += colour.Green;
            sum[2] += colour.Blue;
            sum[3]++;
        }

        if ((row + 1) % Square == 0 || row + 1 == mapHeight)
            Finish((int)(row / Square), (row % Square) + 1);
    }

    /// <inheritdoc/>
    public void Complete()
    {
    }

    private void Finish(int cellRow, long rows)
    {
        for (var cell = 0; cell < Width; cell++)
        {
            var sum = sums.AsSpan(cell * Parts, Parts);
            var target = cells.AsSpan(((cellRow * Width) + cell) * Parts, Parts);
            if (sum[3] > 0)
            {
                for (var part = 0; part < Parts - 1; part++)
                    target[part] = (byte)(sum[part] / sum[3]);
                var positions = rows * (Math.Min(mapWidth, (cell + 1) * Square) - (cell * Square));
                // However small, what is there is seen.
                target[3] = (byte)Math.Max(1, byte.MaxValue * sum[3] / positions);
            }

            sum.Clear();
        }
    }
}
