using CsCheck;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Ranges of tiles as sets of tiles.</summary>
public class HomeRangeTests
{
    private static readonly Gen<HomeRange> Any = Gen.Select(Gen.Int[-3, 8], Gen.Int[-3, 8], (start, end) => new HomeRange(start, end));

    [Fact]
    public void Intersection_hull_and_what_is_before_a_tile_are_those_of_the_sets() => Gen.Select(Any, Any, Gen.Int[-4, 9]).Sample(
        (a, b, step) =>
        {
            Assert.Equal(Set(a).Intersect(Set(b)), Set(a.Intersect(b)));
            var union = Set(a).Union(Set(b)).Order().ToArray();
            Assert.Equal(union.Length == 0 ? [] : Set(new(union[0], union[^1] + 1)), Set(a.Hull(b)));
            Assert.Equal(Set(a).Where(tile => tile < step), Set(a.Before(step)));
            Assert.Equal(Set(a).Contains(step), a.Contains(step));
            Assert.Equal(!Set(a).Any(), a.IsEmpty);
        },
        threads: 1);

    private static IEnumerable<int> Set(HomeRange range)
    {
        for (var step = range.Start; step < range.End; step++)
            yield return step;
    }
}
