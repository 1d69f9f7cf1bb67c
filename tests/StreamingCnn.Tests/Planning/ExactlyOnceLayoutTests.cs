using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>The grid along one axis, for random graphs, lengths and tiles, with tiles beyond the border and without.</summary>
public class ExactlyOnceLayoutTests
{
    private const long Cases = 1500;

    private static readonly Gen<GraphCase> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 120], Gen.Int[1, 70], Gen.Bool,
        (seed, layers, length, tile, beyondBorder) => new GraphCase(seed, layers, length, tile, beyondBorder));

    [Fact]
    public void Every_position_of_every_map_has_one_home() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            foreach (var node in layout.Network.Graph.Nodes)
            {
                long covered = 0;
                for (var step = 0; step < layout.Steps; step++)
                {
                    var own = layout.Computed(node.Index, step);
                    Law.Holds(own.Start == covered && own.End >= own.Start, $"{c}: {node} step {step} computes {own} after {covered}");
                    covered = own.End;
                }

                Law.Holds(covered == layout.Network.Length(node.Index), $"{c}: {node} is computed up to {covered}");
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void What_is_carried_shrinks_to_nothing_at_the_end() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            foreach (var node in layout.Network.Graph.Nodes)
            {
                for (var step = 0; step <= layout.Steps; step++)
                {
                    long low = layout.Low(node.Index, step), cut = layout.Cut(node.Index, step);
                    Law.Holds(0 <= low && low <= cut, $"{c}: {node} step {step} has low {low} and cut {cut}");
                    Law.Holds(step == 0 || layout.Low(node.Index, step - 1) <= low, $"{c}: low of {node} falls at step {step}");
                }

                Law.Holds(
                    layout.Low(node.Index, layout.Steps) == layout.Network.Length(node.Index), $"{c}: {node} is carried beyond the end");
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void What_a_tile_reads_was_computed_by_then_and_is_still_carried() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            var roles = new MapRoles(layout.Network.Graph);
            foreach (var node in layout.Network.Graph.Layers.Where(node => !roles.IsView(node.Index)))
            {
                for (var step = 0; step < layout.Steps; step++)
                {
                    if (layout.Computed(node.Index, step).IsEmpty)
                        continue;
                    var read = layout.Patch(node.Index, step).Span.Interval;
                    foreach (var root in node.Inputs.Select(roles.Root))
                    {
                        var window = new Interval(layout.Low(root, step), layout.Cut(root, step + 1));
                        Law.Holds(window.Contains(read), $"{c}: {node} step {step} reads {read} of map {root}, whose window is {window}");
                    }
                }
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void Cuts_stay_below_what_can_be_computed() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            foreach (var node in layout.Network.Graph.Layers)
            {
                for (var step = 1; step <= layout.Steps; step++)
                {
                    var available = layout.Network.Map(node.Index).Available(node.Inputs.Min(input => layout.Cut(input, step)));
                    Law.Holds(
                        layout.Cut(node.Index, step) <= available,
                        $"{c}: {node} is cut at {layout.Cut(node.Index, step)}, {available} are available");
                }
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void There_are_no_more_tiles_than_the_maps_need() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            var tiles = Division.Ceiling(c.Length, c.Tile);
            if (!c.BeyondBorder)
                Law.Holds(layout.Steps == tiles, $"{c}: {layout.Steps} tiles for {tiles}");
            else if (c.Tile >= c.Length)
                Law.Holds(layout.Steps == 1, $"{c}: {layout.Steps} tiles, though one covers the image");
            else
                Law.Holds(
                    layout.Network.Graph.Nodes.Any(node => layout.Cut(node.Index, layout.Steps - 1) < layout.Network.Length(node.Index)),
                    $"{c}: the last of {layout.Steps} tiles has nothing to do");
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void In_a_chain_of_convolutions_a_rectangle_is_no_larger_than_the_tile_over_the_stride() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 6], Gen.Int[30, 200], Gen.Int[1, 70]).Sample(
        (seed, layers, length, tile) =>
        {
            var random = new Random(seed);
            var chain = new List<MapSettings>();
            for (long n = length; layers > 0; layers--)
            {
                var window = MapSettings.Random(random, MapKind.Window) with { Ceiling = false };
                if (n + window.Before + window.After < window.Extent)
                    break;
                chain.Add(window);
                n = window.On(n).OutputLength;
            }

            var graph = RandomGraph.Chain(chain);
            var layout = new ExactlyOnceLayout(new AxisNetwork(graph, Axis.Rows, length), new MapRoles(graph), tile, beyondBorder: true);
            long stride = 1, atStart = 0;
            for (var node = 1; node <= chain.Count; node++)
            {
                stride *= chain[node - 1].Stride;
                atStart = layout.Network.Map(node).VirtualCut(atStart);
                for (var step = 0; step < layout.Steps; step++)
                {
                    // A tile that covers the image computes all of it at once.
                    var bound = layout.Steps == 1 ? layout.Network.Length(node) : Division.Ceiling(tile, stride)
                        + (step == 0 ? Math.Max(0, atStart) : 0);
                    var own = layout.Computed(node, step);
                    Law.Holds(
                        own.Length <= bound,
                        $"{string.Join(", ", chain)} on {length} at {tile}: map {node} step {step} computes {own}, more than {bound}");
                }
            }
        },
        iter: Cases,
        threads: 1);

    private sealed record GraphCase(int Seed, int Layers, int Length, int Tile, bool BeyondBorder)
    {
        public ExactlyOnceLayout Layout()
        {
            var graph = RandomGraph.Grow(Seed, Layers, Length, Length, RandomGraph.AllKinds);
            return new(new AxisNetwork(graph, Axis.Rows, Length), new MapRoles(graph), Tile, BeyondBorder);
        }
    }
}
