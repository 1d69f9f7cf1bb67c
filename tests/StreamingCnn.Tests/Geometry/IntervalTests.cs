using CsCheck;
using StreamingCnn.Geometry;

namespace StreamingCnn.Tests.Geometry;

/// <summary>Intervals and rectangles as sets of positions.</summary>
public class IntervalTests
{
    private static readonly Gen<Interval> Any = Gen.Select(Gen.Long[-3, 8], Gen.Long[-3, 8], (start, end) => new Interval(start, end));

    [Fact]
    public void Intersection_containment_and_hull_are_those_of_the_sets() => Gen.Select(Any, Any).Sample(
        (a, b) =>
        {
            Assert.Equal(Set(a).Intersect(Set(b)), Set(a.Intersect(b)));
            Assert.Equal(!Set(b).Except(Set(a)).Any(), a.Contains(b));
            var union = Set(a).Union(Set(b)).Order().ToArray();
            Assert.Equal(union.Length == 0 ? [] : Range(union[0], union[^1] + 1), Set(a.Hull(b)));
            Assert.Equal(Set(a).LongCount(), a.Length);
            Assert.Equal(!Set(a).Any(), a.IsEmpty);
        },
        threads: 1);

    [Fact]
    public void Rectangles_are_products_of_intervals() => Gen.Select(Any, Any, Any, Any).Sample(
        (rows, columns, otherRows, otherColumns) =>
        {
            Region a = new(rows, columns), b = new(otherRows, otherColumns);
            Assert.Equal(Set(a).Intersect(Set(b)), Set(a.Intersect(b)));
            Assert.Equal(!Set(b).Except(Set(a)).Any(), a.Contains(b));
            Assert.True(a.Hull(b).Contains(a) && a.Hull(b).Contains(b));
            Assert.Equal(Set(a).LongCount(), a.Area);
        },
        threads: 1);

    [Fact]
    public void What_is_around_a_rectangle_is_the_rest_each_position_once() => Gen.Select(Any, Any, Any, Any).Sample(
        (rows, columns, otherRows, otherColumns) =>
        {
            Region whole = new(rows, columns), inner = new Region(otherRows, otherColumns).Intersect(whole);
            var around = whole.Around(inner).ToArray();
            Assert.All(around, side => Assert.False(side.IsEmpty));
            Assert.Equal(Set(whole).Except(Set(inner)).Order(), around.SelectMany(Set).Order());
        },
        threads: 1);

    private static IEnumerable<long> Set(Interval interval) => Range(interval.Start, interval.End);

    private static IEnumerable<(long, long)> Set(Region region) =>
        Set(region.Rows).SelectMany(_ => Set(region.Columns), (row, column) => (row, column));

    private static IEnumerable<long> Range(long start, long end)
    {
        for (var position = start; position < end; position++)
            yield return position;
    }
}
