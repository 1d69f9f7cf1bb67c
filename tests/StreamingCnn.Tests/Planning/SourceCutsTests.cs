using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// Grids over several sources of different lengths: one sets the pace, and the others are cut so that nothing waits for them.
/// </summary>
public class SourceCutsTests
{
    private const long Cases = 800;

    private static readonly MapSettings Convolution = new(MapKind.Window, 3, 1, 1, 1, 1);
    private static readonly MapSettings Strided = new(MapKind.Window, 3, 2, 1, 1, 1);
    private static readonly MapSettings Pointwise = new(MapKind.Pointwise);

    private static readonly Gen<GraphCase> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 10], Gen.Int[1, 100], Gen.Int[1, 100], Gen.Int[1, 4], Gen.Int[1, 70], Gen.Bool,
        (seed, layers, length, other, stride, tile, beyondBorder) =>
            new GraphCase(seed, layers, [length, other, Division.Ceiling(length, stride), length], tile, beyondBorder));

    [Fact]
    public void Every_position_of_every_map_has_one_home() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            foreach (var node in layout.Network.Graph.Nodes)
            {
                for (var step = 0; step < layout.Steps; step++)
                {
                    var (cut, next) = (layout.Cut(node.Index, step), layout.Cut(node.Index, step + 1));
                    Law.Holds(cut <= next, $"{c}: the cuts of {node} fall at step {step}");
                }

                var (first, last) = (layout.Cut(node.Index, 0), layout.Cut(node.Index, layout.Steps));
                Law.Holds(first == 0 && last == layout.Network.Length(node.Index), $"{c}: {node} is not covered");
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void What_a_tile_reads_was_computed_by_then_and_is_still_carried() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            var graph = layout.Network.Graph;
            var roles = new MapRoles(graph);
            foreach (var node in graph.Layers.Where(node => !roles.IsView(node.Index)))
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
    public void What_the_pace_reaches_advances_as_if_all_other_sources_had_come_already() => AnyCase.Sample(
        c =>
        {
            var layout = c.Layout();
            var network = layout.Network;
            var ideal = new long?[network.Graph.Nodes.Count];
            for (var step = 1; step < layout.Steps; step++)
            {
                Array.Clear(ideal);
                ideal[network.Pace] = (long)step * c.Tile;
                foreach (var node in network.Graph.Layers)
                {
                    if (node.Inputs.Min(input => ideal[input]) is { } cut)
                        ideal[node.Index] = network.Map(node.Index).VirtualCut(cut);
                    if (ideal[node.Index] is not { } wanted)
                        continue;
                    var found = layout.Cut(node.Index, step);
                    Law.Holds(
                        found == Math.Clamp(wanted, 0, network.Length(node.Index)),
                        $"{c}: {node} is cut at {found} at step {step}, not {wanted}");
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
            if (layout.Steps > 1 && c.BeyondBorder)
            {
                Law.Holds(
                    layout.Network.Graph.Nodes.Any(node => layout.Cut(node.Index, layout.Steps - 1) < layout.Network.Length(node.Index)),
                    $"{c}: the last of {layout.Steps} tiles has nothing to do");
            }
        },
        iter: Cases,
        threads: 1);

    /// <summary>
    /// Cut at the same share of its length, a mask would come up to half a receptive field too early, and what is made of it would be
    /// carried as wide.
    /// </summary>
    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(256)]
    public void A_mask_at_a_quarter_of_the_size_beside_the_image_leaves_strips_of_the_next_convolution_alone(long tile)
    {
        const int Mask = 1;
        var nodes = new List<GraphNode> { new(0, null, [], 1, "image"), new(Mask, null, [], 1, "mask") };
        int Add(MapSettings settings, params int[] inputs)
        {
            nodes.Add(new(nodes.Count, new StandInLayer(settings, settings), inputs, 1, $"layer{nodes.Count}"));
            return nodes.Count - 1;
        }

        var ofImage = 0;
        foreach (var settings in (MapSettings[])[Strided, Convolution, Strided, .. Enumerable.Repeat(Convolution, 12)])
            ofImage = Add(settings, ofImage);
        var ofMask = Add(Convolution, Mask);
        ofMask = Add(Convolution, ofMask);
        var joined = Add(Convolution, Add(Pointwise, ofImage, ofMask));
        var graph = new NetworkGraph(nodes, [joined]);

        var layout = new ExactlyOnceLayout(new AxisNetwork(graph, Axis.Rows, 1000, 250), new MapRoles(graph), tile, beyondBorder: true);

        Assert.Equal(0, layout.Network.Pace);
        foreach (var node in graph.Layers)
        {
            for (var step = 0; step < layout.Steps; step++)
                Assert.InRange(layout.Cut(node.Index, step) - layout.Low(node.Index, step), 0, 2);
        }
    }

    [Fact]
    public void The_largest_source_that_is_read_sets_the_pace_along_both_axes()
    {
        var nodes = new List<GraphNode> { new(0, null, [], 1, "small"), new(1, null, [], 1, "unread"), new(2, null, [], 1, "large") };
        var layer = new StandInLayer(Convolution, Convolution);
        nodes.Add(new(3, layer, [0], 1, "of the small one"));
        nodes.Add(new(4, layer, [2], 1, "of the large one"));
        var graph = new NetworkGraph(nodes, [3, 4]);

        var (rows, columns) = AxisNetwork.Of(graph, [(50, 30), (500, 500), (40, 60)]);

        Assert.Equal((2, 2), (rows.Pace, columns.Pace));
        // What never meets the pace keeps its share of it.
        Assert.Equal([25L, 250L, 20L], rows.SourceCuts.At(20));
    }

    private sealed record GraphCase(int Seed, int Layers, long[] Lengths, int Tile, bool BeyondBorder)
    {
        public ExactlyOnceLayout Layout()
        {
            var graph = RandomGraph.Grow(Seed, Layers, [.. Lengths.Select(length => (length, length))], RandomGraph.AllKinds);
            return new(new AxisNetwork(graph, Axis.Rows, Lengths), new MapRoles(graph), Tile, BeyondBorder);
        }

        public override string ToString() =>
            $"seed {Seed} layers {Layers} lengths {string.Join(", ", Lengths)} tile {Tile} beyond {BeyondBorder}";
    }
}
