using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// The carry played through tile by tile in two dimensions, with positions in place of values: whatever a tile's windows read is what they
/// should, at random graphs, image sizes and tiles.
/// </summary>
public class CarryPlanTests
{
    [Fact]
    public void Every_window_finds_its_positions_in_the_carry_or_in_the_tile_s_own_rectangle() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[3, 45], Gen.Int[3, 45], Gen.Bool).Sample(
        (seed, layers, height, width, tileHeight, tileWidth, beyondBorder) =>
        {
            var graph = RandomGraph.Grow(seed, layers, height, width, RandomGraph.AllKinds);
            var plan = GridPlan.ExactlyOnce(graph, height, width, (tileHeight, tileWidth), beyondBorder);
            foreach (var node in graph.Nodes.Where(node => !node.IsImage && !plan.Roles.IsView(node.Index)))
                Play(plan, node);
        },
        iter: 300,
        threads: 1);

    [Fact]
    public void Tiles_of_one_pixel_find_theirs_as_well()
    {
        var graph = RandomGraph.Chain(
            new(MapKind.Window, 3, 1, 1, 1, 1), new(MapKind.Window, 3, 2, 1, 1, 1), new(MapKind.Transposed, 3, 2, 1, 1, 1), new(MapKind.Reflection, Before: 2, After: 3), new(MapKind.Window, 5));
        foreach (var beyondBorder in new[] { true, false })
        {
            var plan = GridPlan.ExactlyOnce(graph, 13, 11, (1, 1), beyondBorder);
            foreach (var node in graph.Nodes.Skip(1))
                Play(plan, node);
        }
    }

    [Fact]
    public void The_carry_is_never_larger_than_the_map()
    {
        // Strips of 6 positions at tiles of 2: bands would hold the map several times over.
        var graph = RandomGraph.Chain(new(MapKind.Window, 3, 1, 1, 1, 1), new MapSettings(MapKind.Window, 7, 1, 1, 3, 3));
        var plan = GridPlan.ExactlyOnce(graph, 40, 30, (2, 2), beyondBorder: true);

        Assert.Equal(40 * 30, plan.Carry(1)!.Positions);
        Assert.Null(plan.Carry(2));
    }

    private static void Play(GridPlan plan, GraphNode node)
    {
        var store = new Dictionary<(BandKind Kind, int TileRow), long[,]>();
        var freed = new HashSet<(BandKind Kind, int TileRow)>();
        long stored = 0;
        var carry = plan.Carry(node.Index);
        foreach (var (row, column) in plan.Order())
        {
            var own = plan.Computed(node.Index, row, column);
            CheckWindow(plan.Tile(row, column).Window(node.Index), own, row, column);
            foreach (var piece in carry?.Stored(row, column) ?? [])
            {
                Law.Holds(own.Contains(piece.Region), $"{node}: tile {row}, {column} stores {piece}, but computes {own}");
                stored += piece.Region.Area;
                Write(piece);
            }

            // Without a backward pass, what no later row reads is freed at the end of each row of tiles.
            if (carry is null || column < plan.Columns.Steps - 1)
                continue;
            freed.Add((BandKind.Columns, row));
            for (var above = 0; above <= row; above++)
            {
                if (carry.LastStoredRow(above) <= plan.FirstRowNeeded(node.Index, row + 1))
                    freed.Add((BandKind.Rows, above));
            }
        }

        Law.Holds(stored == (carry?.Positions ?? 0), $"{node}: {stored} positions are stored, the plan says {carry?.Positions}");

        void CheckWindow(Region window, Region own, int row, int column)
        {
            var missing = window.Area - window.Intersect(own).Area;
            if (window.IsEmpty || missing == 0)
                return;
            Law.Holds(carry is not null, $"{node}: tile {row}, {column} reads {window}, of which it computes {own}, and nothing is carried");
            foreach (var piece in carry!.Read(row, column, window))
            {
                Law.Holds(
                    window.Contains(piece.Region) && piece.Region.Intersect(own).IsEmpty, $"{node}: tile {row}, {column} with {own} reads {piece} into {window}");
                missing -= piece.Region.Area;
                Read(piece);
            }

            // Pieces lie in the window and outside of its own rectangle; if they overlapped, some other position would be missing.
            Law.Holds(missing == 0, $"{node}: tile {row}, {column} lacks {missing} positions of {window}");
        }

        void Write(CarriedPiece piece)
        {
            var key = (piece.Kind, piece.TileRow);
            if (!store.TryGetValue(key, out var band))
            {
                var (height, width) = carry!.StoreShape(piece.Kind, piece.TileRow);
                store[key] = band = new long[height, width];
            }

            ForEach(piece, (top, left, position) =>
            {
                Law.Holds(band[top, left] == 0, $"{node}: {piece} is stored over another value");
                band[top, left] = position;
            });
        }

        void Read(CarriedPiece piece)
        {
            var key = (piece.Kind, piece.TileRow);
            Law.Holds(!freed.Contains(key), $"{node}: {piece} is read after it was freed");
            var band = store[key];
            ForEach(piece, (top, left, position) => Law.Holds(band[top, left] == position, $"{node}: {piece} holds something else at {top}, {left}"));
        }
    }

    /// <summary>Each position of a piece, as a number that is not 0, and where it stands in its band.</summary>
    private static void ForEach(CarriedPiece piece, Action<long, long, long> visit)
    {
        for (long y = 0; y < piece.Region.Rows.Length; y++)
        {
            for (long x = 0; x < piece.Region.Columns.Length; x++)
                visit(piece.Top + y, piece.Left + x, 1 + ((piece.Region.Rows.Start + y) * 1000) + piece.Region.Columns.Start + x);
        }
    }
}
