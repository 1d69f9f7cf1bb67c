using StreamingCnn.Geometry;

namespace StreamingCnn.Graph;

/// <summary>The rectangles of a layer's output that are tried out on one map.</summary>
internal sealed class TrialPatches(AxisMap rows, AxisMap columns)
{
    private const int RandomOnes = 6;
    private const long LongestRandomSide = 5;

    /// <summary>The whole output.</summary>
    public Patch Whole => new(WholeOf(rows), WholeOf(columns));

    /// <summary>The whole, corners and borders, single outputs, and rectangles of random size and place.</summary>
    public IEnumerable<Patch> All()
    {
        yield return Whole;
        foreach (var quarter in Quarters())
            yield return quarter;
        var draw = new Random(1);
        for (var i = 0; i < RandomOnes; i++)
            yield return new(Some(rows), Some(columns));

        AxisPatch Some(AxisMap map)
        {
            var first = draw.NextInt64(map.OutputLength);
            return AxisPatch.Of(map, new(first, first + 1 + draw.NextInt64(Math.Min(LongestRandomSide, map.OutputLength - first))));
        }
    }

    /// <summary>Four rectangles that make up the output.</summary>
    public IEnumerable<Patch> Quarters()
    {
        foreach (var along in Halves(rows))
        {
            foreach (var across in Halves(columns))
                yield return new(along, across);
        }

        static IEnumerable<AxisPatch> Halves(AxisMap map)
        {
            var middle = (map.OutputLength + 1) / 2;
            yield return AxisPatch.Of(map, new(0, middle));
            if (middle < map.OutputLength)
                yield return AxisPatch.Of(map, new(middle, map.OutputLength));
        }
    }

    private static AxisPatch WholeOf(AxisMap map) => AxisPatch.Of(map, new(0, map.OutputLength));
}
