namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>
/// Edges of shapes by the rows of the image that they cross, so that a window asks for those of its own rows alone.
/// </summary>
internal sealed class ShapeIndex
{
    private const int BandRows = 256;

    private readonly List<Edge>[] bands;

    /// <summary>Creates the index.</summary>
    /// <param name="shapes">The shapes.</param>
    /// <param name="height">Rows of the image.</param>
    public ShapeIndex(IReadOnlyList<Shape> shapes, long height)
    {
        bands = new List<Edge>[((height - 1) / BandRows) + 1];
        foreach (var (number, shape) in shapes.Index())
        {
            foreach (var ring in shape.Rings)
            {
                for (var corner = 0; corner < ring.Length; corner++)
                    Add(Edge.Of(number, ring[corner], ring[(corner + 1) % ring.Length]), height);
            }
        }
    }

    /// <summary>Where the centres of a shape's pixels begin and end along a row.</summary>
    /// <param name="shape">The shape's number.</param>
    /// <param name="row">The row.</param>
    /// <param name="from">The first column within.</param>
    /// <param name="to">The first one behind.</param>
    public delegate void Run(int shape, long row, long from, long to);

    /// <summary>Tells the runs of all shapes in some rows, shape by shape within each part of them.</summary>
    /// <param name="top">The first row.</param>
    /// <param name="end">The first one behind.</param>
    /// <param name="run">Gets them.</param>
    public void Runs(long top, long end, Run run)
    {
        for (var band = top / BandRows; band * BandRows < end; band++)
        {
            if (bands[band] is not { } edges)
                continue;
            var (first, last) = (Math.Max(top, band * BandRows), Math.Min(end, (band + 1) * BandRows));
            var crossings = new List<double>[last - first];
            for (var begin = 0; begin < edges.Count;)
            {
                var behind = begin;
                var shape = edges[begin].Shape;
                for (; behind < edges.Count && edges[behind].Shape == shape; behind++)
                    edges[behind].Cross(first, crossings);
                Tell(shape, first, crossings, run);
                begin = behind;
            }
        }
    }

    private static void Tell(int shape, long first, List<double>[] crossings, Run run)
    {
        foreach (var (row, found) in crossings.Index())
        {
            if (found is not { Count: > 0 })
                continue;
            found.Sort();
            for (var i = 0; i + 1 < found.Count; i += 2)
            {
                var (from, to) = (FirstCentre(found[i]), FirstCentre(found[i + 1]));
                if (from < to)
                    run(shape, first + row, from, to);
            }

            found.Clear();
        }
    }

    private void Add(Edge edge, long height)
    {
        var (first, last) = (Math.Max(0, edge.First), Math.Min(height, edge.End) - 1);
        for (var band = first / BandRows; band * BandRows <= last; band++)
            (bands[band] ??= []).Add(edge);
    }

    /// <summary>
    /// The first row or column whose centre is not before a coordinate: what ends there and what begins there share no pixel.
    /// </summary>
    private static long FirstCentre(double at) => (long)Math.Ceiling(at - 0.5);

    /// <summary>A straight line downwards; which shape has it on which side makes no difference to where it crosses rows.</summary>
    private readonly record struct Edge(int Shape, double X, double Y, double LowerX, double LowerY)
    {
        /// <summary>The first row whose centre it crosses.</summary>
        public long First => FirstCentre(Y);

        /// <summary>The first row behind.</summary>
        public long End => FirstCentre(LowerY);

        public static Edge Of(int shape, (double X, double Y) one, (double X, double Y) other)
        {
            var (upper, lower) = one.Y <= other.Y ? (one, other) : (other, one);
            return new(shape, upper.X, upper.Y, lower.X, lower.Y);
        }

        public void Cross(long first, List<double>[] crossings)
        {
            var end = Math.Min(End, first + crossings.Length);
            for (var row = Math.Max(First, first); row < end; row++)
                (crossings[row - first] ??= []).Add(X + ((LowerX - X) * ((row + 0.5 - Y) / (LowerY - Y))));
        }
    }
}
