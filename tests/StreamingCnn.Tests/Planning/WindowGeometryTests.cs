using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Modules that the engine cannot see into: windows along one axis, and tiles over both.</summary>
public class WindowGeometryTests
{
    private static readonly Gen<WindowGeometry> Geometries = Gen.Select(
        Gen.Long[1, 9], Gen.Long[1, 9], Gen.Long[0, 12], Gen.Long[0, 12], Gen.Long[1, 40], Gen.Long[0, 60], Gen.Long[-6, 6],
        (period, perPeriod, lead, trail, least, more, surplus) =>
        {
            var known = least + more;
            return new WindowGeometry(period, perPeriod, lead, trail, least, (known, (known / period * perPeriod) + surplus));
        });

    [Fact]
    public void Windows_are_the_image_less_whole_periods_and_give_the_outputs_that_are_asked_for() => Gen.Select(
        Geometries, Gen.Long[0, 30], Gen.Long[0, 300], Gen.Long[1, 300]).Sample(
        (geometry, periods, start, count) =>
        {
            var length = geometry.AtLeast(geometry.Least) + (periods * geometry.Period);
            var outputs = new Interval(start, start + count).Intersect(new(0, geometry.OutputLength(length)));
            if (outputs.IsEmpty)
                return;
            var window = geometry.Window(outputs, length);
            Law.Holds(
                geometry.Fits(length) && geometry.Fits(window.Length),
                $"{length} and {window} leave other remainders than {geometry.Known.Length}");
            Law.Holds(
                window.Start >= 0 && window.End <= length && window.Start % geometry.Period == 0,
                $"the window {window} of {length} is not on the grid of {geometry.Period}");
            Law.Holds(window.Length >= geometry.Least, $"the window {window} is shorter than {geometry.Least}");
            Law.Holds(
                geometry.Unchanged(window, length).Contains(outputs), $"the window {window} of {length} changes outputs of {outputs}");
            var shorter = new Interval(window.Start + geometry.Period, window.End);
            Law.Holds(
                shorter.Length < geometry.Least || !geometry.Unchanged(shorter, length).Contains(outputs),
                $"the window {window} of {length} is a period longer than {outputs} need");
        },
        iter: 3000,
        threads: 1);

    [Fact]
    public void Tiles_own_each_output_once_and_are_tied_to_each_other() => Gen.Select(
        Geometries, Geometries, Gen.Long[0, 12], Gen.Long[0, 12], Gen.Long[1, 60], Gen.Long[1, 60]).Sample(
        (rows, columns, down, right, tall, wide) =>
        {
            var size = (
                Height: rows.AtLeast(rows.Least) + (down * rows.Period),
                Width: columns.AtLeast(columns.Least) + (right * columns.Period));
            var grid = new WindowGrid(rows, columns, (tall, wide), size);
            if (grid.Outputs.IsEmpty)
                return;
            var owner = new Dictionary<(long, long), int>();
            var tile = 0;
            foreach (var (owned, shared) in grid.Tiles())
            {
                Law.Holds(shared.IsEmpty == (tile == 0), $"tile {tile} shares {shared}");
                foreach (var place in Positions(shared))
                {
                    Law.Holds(
                        owner.TryGetValue(place, out var other) && other < tile,
                        $"tile {tile} shares {place}, which no tile before it owns");
                }

                foreach (var place in Positions(owned))
                    Law.Holds(owner.TryAdd(place, tile), $"tile {tile} owns {place} as another does");
                tile++;
            }

            Law.Holds(owner.Count == grid.Outputs.Area, $"{owner.Count} of {grid.Outputs.Area} outputs are owned");
            foreach (var (_, place) in grid.Checks())
                Law.Holds(!place.IsEmpty && grid.Outputs.Contains(place), $"{place} is checked, which lies outside of {grid.Outputs}");
        },
        iter: 200,
        threads: 1);

    /// <summary>What is known holds for lengths that differ by whole periods; an image no longer than a window is not cut.</summary>
    [Fact]
    public void Lengths_that_are_known_differ_by_whole_periods() => Gen.Select(Geometries, Gen.Long[0, 200]).Sample(
        (geometry, bound) =>
        {
            var known = geometry.Known.Length;
            Assert.Equal(Math.Abs(bound - known) % geometry.Period == 0, geometry.Fits(bound));
            Assert.Equal(known > geometry.Least, geometry.IsCut);
            var next = Enumerable.Range(0, (int)geometry.Period).Select(more => bound + more).Single(geometry.Fits);
            Assert.Equal(geometry.IsCut ? next : known, geometry.AtLeast(bound));
            var uncut = WindowGeometry.Uncut(9, 5);
            Assert.Equal((9, 9, false), (uncut.Needed, uncut.AtLeast(100), uncut.IsCut));

            // So many periods that outputs of three are unchanged by cuts at either end.
            var periods = (long)(Math.Ceiling((double)geometry.Lead / geometry.PerPeriod)
                + Math.Ceiling((double)geometry.Trail / geometry.PerPeriod)) + 3;
            Assert.Equal(geometry.AtLeast(Math.Max(geometry.Least, periods * geometry.Period)), geometry.Needed);
        },
        threads: 1);

    /// <summary>Where there is room for all of them, checks are in all rows and columns of tiles, and in most tiles.</summary>
    [Fact]
    public void Checks_are_spread_over_the_image()
    {
        var axis = new WindowGeometry(1, 1, 0, 0, 1, (100, 100));
        var grid = new WindowGrid(axis, axis, (100, 100), (2000, 3000));

        var checks = grid.Checks().ToArray();

        Assert.Equal(20 * 30, checks.Length);
        Assert.Equal(20, checks.Select(check => check.Edge).Distinct().Count());
        Assert.Equal(30, checks.Select(check => check.Place.Columns.End).Distinct().Count());
        Assert.InRange(checks.Select(check => check.Place).Distinct().Count(), 400, 600);
        // Nor do they come row by row.
        Assert.InRange(checks.Take(60).Select(check => check.Place).Distinct().Count(), 50, 60);
        Assert.InRange(checks.Take(60).Select(check => check.Edge).Distinct().Count(), 19, 20);
        Assert.InRange(checks.Take(60).Select(check => check.Place.Columns.End).Distinct().Count(), 24, 30);
    }

    /// <summary>
    /// Corners where tiles meet, as many as three hundredths of the pixels of all tiles' windows allow, in rows and columns all over the
    /// image.
    /// </summary>
    [Fact]
    public void Checks_are_corners_of_tiles_that_take_three_hundredths_of_their_pixels() => Gen.Select(
        Gen.Select(Gen.Long[1, 4], Gen.Long[1, 4], Gen.Long[0, 9], Gen.Long[0, 9]),
        Gen.Select(Gen.Long[60, 400], Gen.Long[60, 500], Gen.Long[8, 90], Gen.Long[8, 90]))
        .Sample(
            (axes, sizes) =>
            {
                var ((period, other, lead, trail), (height, width, tall, wide)) = (axes, sizes);
                var (rows, columns) = (Axis(period, height), Axis(other, width));
                var grid = new WindowGrid(rows, columns, (tall, wide), (height, width));
                var tiles = grid.Tiles().ToArray();
                var checks = grid.Checks().ToArray();
                var steps = (Rows: rows.Steps(tall, height), Columns: columns.Steps(wide, width));
                Assert.Equal(steps.Rows * steps.Columns, grid.Count);
                Assert.All(tiles, tile => Assert.Equal(
                    new Region(rows.Window(tile.Owned.Rows, height), columns.Window(tile.Owned.Columns, width)), grid.Window(tile.Owned)));
                // Each window gives what is asked of it, at the place that is said.
                Assert.All(tiles, tile => Assert.True(grid.Made(grid.Window(tile.Owned)).Contains(tile.Owned)));
                if (grid.Count < 2)
                {
                    Assert.Empty(checks);
                    return;
                }

                var all = tiles.Sum(tile => grid.Window(tile.Owned).Area);
                var pixels = checks.Sum(check => grid.Window(check.Place).Area);
                Assert.True(pixels <= 0.03 * all);
                Assert.InRange(checks.Length, 0, grid.Count);
                // Tiles smaller than a period may have no outputs, and no corner.
                Assert.True(
                    checks.Length == grid.Count || tiles.Length < grid.Count
                        || pixels + tiles.Max(tile => grid.Window(Corner(tile.Owned)).Area) > 0.03 * all,
                    "There is room for another check.");
                foreach (var (edge, place) in checks)
                    Assert.Contains(tiles, tile => tile.Owned.Rows.Start == edge && place == Corner(tile.Owned));

                // Many are all over the image.
                if (checks.Length >= 2 * Math.Max(steps.Rows, steps.Columns))
                {
                    Assert.True(checks.Select(check => check.Edge).Distinct().Count() > steps.Rows / 2);
                    Assert.True(checks.Select(check => check.Place.Columns.End).Distinct().Count() > steps.Columns / 2);
                }

                Region Corner(Region owned) => new Region(
                    new(owned.Rows.Start - 1, owned.Rows.Start + 1), new(owned.Columns.Start - 1, owned.Columns.Start + 1))
                    .Intersect(grid.Outputs);

                WindowGeometry Axis(long grain, long length) =>
                    new(grain, 1, lead, trail, Math.Min(40, length), (length, length / grain));
            },
            iter: 300,
            threads: 1);

    private static IEnumerable<(long, long)> Positions(Region region)
    {
        for (var row = region.Rows.Start; row < region.Rows.End; row++)
        {
            for (var column = region.Columns.Start; column < region.Columns.End; column++)
                yield return (row, column);
        }
    }
}
