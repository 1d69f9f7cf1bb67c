using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>
/// What oneDNN, the library of convolutions within libtorch, makes for the convolutions of a step and keeps: code, and what goes with it,
/// for every shape anew. Measured; the size of a shape hardly matters.
/// </summary>
internal static class Primitives
{
    // Forwards, and backwards to the operand and to the weights.
    private const long BytesOfConvolution = (92 << 10) + (128 << 10) + (56 << 10);
    private const long PassesOfConvolution = 3;

    // It keeps so many, the last ones.
    private const long Kept = 1024;

    // libtorch asks it for a single image's convolutions from so many values on, or so large a kernel, and computes the others itself.
    private const long FewValues = 20480;
    private const long SmallKernel = 3;

    /// <summary>Bytes that they take in the end.</summary>
    public static long Bytes(TilePrograms programs, TrunkCost trunk)
    {
        // In float64 libtorch has convolutions of its own.
        if (trunk.ElementSize > sizeof(float))
            return 0;
        var grid = programs.Grid;
        var shapes = grid.Graph.Layers.Where(node => trunk.IsConvolution(node.Index)).Sum(Shapes);
        return Math.Min(shapes, Kept / PassesOfConvolution) * BytesOfConvolution;

        long Shapes(GraphNode node)
        {
            var (rows, columns) = programs.Reads(node.Index);
            var values = trunk.Batch * trunk.Graph.Nodes[node.Inputs[0]].Channels;
            var isLarge = trunk.Batch > 1
                || Math.Min(Kernel(grid.Rows, node.Index), Kernel(grid.Columns, node.Index)) > SmallKernel;
            return rows.Sum(height => columns.Count(width => isLarge || values * height * width > FewValues));
        }
    }

    /// <summary>What a layer reads for a single position, along an axis.</summary>
    private static long Kernel(AxisLayout layout, int node) => AxisPatch.Of(layout.Network.Map(node), new Interval(0, 1)).PaddedLength;
}
