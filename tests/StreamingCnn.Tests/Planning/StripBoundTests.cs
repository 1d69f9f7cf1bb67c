using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>How many positions of a map are carried across a cut: a bound that no tile size and no image length changes.</summary>
public class StripBoundTests
{
    // Their virtual cuts lie between two lines of equal slope, which is what the bound is made of.
    private static readonly MapKind[] Kinds =
        [MapKind.Pointwise, MapKind.Window, MapKind.Window, MapKind.Transposed, MapKind.Magnification, MapKind.Linear];

    [Fact]
    public void Strips_of_random_graphs_keep_to_the_bound() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 200], Gen.Int[1, 50], Gen.Bool).Sample(
        (seed, layers, length, tile, beyondBorder) =>
        {
            var graph = RandomGraph.Grow(seed, layers, length, length, Kinds);
            var roles = new MapRoles(graph);
            var layout = new ExactlyOnceLayout(new AxisNetwork(graph, Axis.Rows, length), roles, tile, beyondBorder);
            var lines = Lines(layout.Network);
            foreach (var node in graph.Layers.Where(node => !roles.IsView(node.Index)))
            {
                if (Bound(layout.Network, roles, lines, node) is not { } bound)
                    continue;
                for (var step = 0; step <= layout.Steps; step++)
                {
                    var strip = layout.Cut(node.Index, step) - layout.Low(node.Index, step);
                    Law.Holds(strip <= bound, $"seed {seed} layers {layers} length {length} tile {tile}: {node} carries {strip} at step {step}, the bound is {bound}");
                }
            }
        },
        iter: 1500,
        threads: 1);

    [Fact]
    public void Before_a_convolution_a_strip_has_between_extent_less_stride_and_extent_less_one_positions() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 50]).Sample(
        (seed, tile) =>
        {
            var random = new Random(seed);
            var first = MapSettings.Random(random, MapKind.Window) with { Before = 0, After = 0, Ceiling = false };
            var second = MapSettings.Random(random, MapKind.Window) with { Before = 0, After = 0, Ceiling = false };
            var graph = RandomGraph.Chain(first, second);
            var layout = new ExactlyOnceLayout(new AxisNetwork(graph, Axis.Rows, 200), new MapRoles(graph), tile, beyondBorder: true);
            for (var step = 0; step <= layout.Steps; step++)
            {
                // Away from the image's ends, where both maps are under way.
                if (layout.Cut(2, step) == 0 || layout.Cut(2, step) == layout.Network.Length(2) || layout.Cut(1, step) == layout.Network
                    .Length(1))
                    continue;
                Assert.InRange(layout.Cut(1, step) - layout.Low(1, step), Math.Max(0, second.Extent - second.Stride), second.Extent - 1);
            }
        },
        iter: 500,
        threads: 1);

    /// <summary>
    /// For every map the lines rho x + alpha and rho x + beta between which its virtual cut lies when the image is cut at x; null where
    /// maps of different slope were joined.
    /// </summary>
    private static (double Rho, double Alpha, double Beta)?[] Lines(AxisNetwork network)
    {
        var lines = new (double Rho, double Alpha, double Beta)?[network.Graph.Nodes.Count];
        lines[0] = (1, 0, 0);
        foreach (var node in network.Graph.Layers)
        {
            if (node.Inputs.Any(i => lines[i] is null || Math.Abs(lines[i]!.Value.Rho - lines[node.Inputs[0]]!.Value.Rho) > 1e-9))
                continue;
            var rho = lines[node.Inputs[0]]!.Value.Rho;
            var (alpha, beta) = (node.Inputs.Min(i => lines[i]!.Value.Alpha), node.Inputs.Min(i => lines[i]!.Value.Beta));
            var m = ((StandInLayer)node.Layer!).Settings(Axis.Rows);
            double n = network.Map(node.Index).InputLength, resized = network.Map(node.Index).OutputLength, zoom = resized / n;
            lines[node.Index] = m.Kind switch
            {
                MapKind.Window =>
                    (rho / m.Stride, (alpha + m.Before - m.Extent + 1) / m.Stride, ((beta + m.Before - m.Extent) / m.Stride) + 1),
                MapKind.Transposed => (rho * m.Stride, (m.Stride * alpha) - m.Before, (m.Stride * beta) - m.Before),
                MapKind.Magnification => (rho * m.Stride, m.Stride * alpha, m.Stride * beta),
                MapKind.Linear when m.AlignCorners => null,
                MapKind.Linear => (rho * zoom, (zoom * alpha) - (zoom / 2) - 0.5, (zoom * beta) - (zoom / 2) + 0.5),
                _ => (rho, alpha, beta),
            };
        }

        return lines;
    }

    /// <summary>The most positions of a map that its readers can leave waiting; null where that is not known.</summary>
    private static double? Bound(AxisNetwork network, MapRoles roles, (double Rho, double Alpha, double Beta)?[] lines, GraphNode node)
    {
        var bound = 0.0;
        foreach (var reader in network.Graph.Nodes.Where(
            other => !roles.IsView(other.Index) && other.Inputs.Any(input => roles.Root(input) == node.Index)))
        {
            if (lines[node.Index] is not { } own || lines[reader.Index] is not { } line)
                return null;
            var m = ((StandInLayer)reader.Layer!).Settings(Axis.Rows);
            double n = network.Map(reader.Index).InputLength, resized = network.Map(reader.Index).OutputLength;
            var needed = m.Kind switch
            {
                MapKind.Window => (m.Stride * line.Alpha) - m.Before,
                MapKind.Transposed => (line.Alpha + m.Before - m.Extent + 1) / m.Stride,
                MapKind.Magnification => (line.Alpha - (m.Stride - 1)) / m.Stride,
                MapKind.Linear => ((((2 * line.Alpha) + 1) * n) - resized) / (2 * resized) - 1 + (1 / (2 * resized)),
                _ => line.Alpha,
            };
            bound = Math.Max(bound, own.Beta - needed);
        }

        // The lines are fractions with small denominators; what rounding does to them lies far below one position.
        return Math.Floor(bound + 1e-6);
    }
}
