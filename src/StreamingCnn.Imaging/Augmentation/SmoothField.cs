namespace StreamingCnn.Imaging.Augmentation;

/// <summary>
/// Value noise in [-1, 1]: random numbers on a lattice, blended with weights whose slope is zero at the lattice points. A function of the
/// position alone; an instance holds the numbers that one window needs.
/// </summary>
internal sealed class SmoothField
{
    private readonly double spacing;
    private readonly long firstRow;
    private readonly long firstColumn;
    private readonly double[,] lattice;

    public SmoothField(long seed, double spacing, long top, long left, long height, long width)
    {
        this.spacing = spacing;
        (firstRow, firstColumn) = (Cell(top), Cell(left));
        lattice = new double[Cell(top + height) - firstRow + 2, Cell(left + width) - firstColumn + 2];
        for (var row = 0; row < lattice.GetLength(0); row++)
        {
            for (var column = 0; column < lattice.GetLength(1); column++)
                lattice[row, column] = (2 * PositionNoise.Uniform(seed, firstRow + row, firstColumn + column)) - 1;
        }
    }

    /// <summary>The value at a pixel of the window.</summary>
    public double At(long y, long x)
    {
        var (cellY, cellX) = (Cell(y), Cell(x));
        var (ty, tx) = (Smooth((y / spacing) - cellY), Smooth((x / spacing) - cellX));
        var (row, column) = (cellY - firstRow, cellX - firstColumn);
        var upper = ((1 - tx) * lattice[row, column]) + (tx * lattice[row, column + 1]);
        var lower = ((1 - tx) * lattice[row + 1, column]) + (tx * lattice[row + 1, column + 1]);
        return ((1 - ty) * upper) + (ty * lower);
    }

    private long Cell(long position) => (long)Math.Floor(position / spacing);

    private static double Smooth(double t) => t * t * (3 - (2 * t));
}
