using StreamingCnn.Geometry;

namespace StreamingCnn.Graph;

/// <summary>Which outputs along an axis were seen to read which inputs, and whether a layer's integers allow that.</summary>
/// <param name="map">The layer along the axis.</param>
/// <param name="where">The axis and the map's length, for sentences.</param>
internal sealed class TrialReads(AxisMap map, string where)
{
    // Intervals of so many outputs, and cuts so far beyond the map, are looked at.
    private const long Longest = 6;
    private const long Beyond = 8;

    private readonly Interval[] reads = new Interval[map.OutputLength];

    /// <summary>Notes that an output reads an input.</summary>
    public void Add(long output, long input) => reads[output] = reads[output].Hull(new(input, input + 1));

    /// <summary>Which integer is wrong, with the value that it should have, or null.</summary>
    public string? Fault(bool isPointwise) =>
        FaultOfCuts() ?? FaultOfFirstNeeded() ?? FaultOfSpans() ?? (isPointwise ? FaultOfPoints() : null);

    private string? FaultOfCuts()
    {
        for (long cut = 0; cut < map.InputLength; cut++)
        {
            for (long output = 0; output < Math.Min(map.OutputLength, map.VirtualCut(cut)); output++)
            {
                if (reads[output].End > cut)
                {
                    return Says(
                        $"VirtualCut({cut})",
                        map.VirtualCut(cut),
                        $"at most {output}, since output {output} reads input {reads[output].End - 1}");
                }
            }
        }

        for (var cut = -Beyond; cut < map.InputLength + Beyond; cut++)
        {
            if (map.VirtualCut(cut) > map.VirtualCut(cut + 1))
            {
                return Says(
                    $"VirtualCut({cut + 1})", map.VirtualCut(cut + 1), $"at least VirtualCut({cut}), which is {map.VirtualCut(cut)}");
            }
        }

        for (var output = -Beyond; output < map.OutputLength + Beyond; output++)
        {
            var required = map.Required(output);
            if (map.VirtualCut(required) >= output && map.VirtualCut(required - 1) < output)
                continue;
            var right = required;
            for (var steps = 0; steps < 10_000 && map.VirtualCut(right) < output; steps++)
                right++;
            for (var steps = 0; steps < 10_000 && map.VirtualCut(right - 1) >= output; steps++)
                right--;
            return Says($"Required({output})", required, $"{right}, the smallest cut whose VirtualCut reaches {output}");
        }

        return null;
    }

    private string? FaultOfFirstNeeded()
    {
        for (long output = 0; output < map.OutputLength; output++)
        {
            var needed = map.FirstNeeded(output);
            if (needed < 0 || needed > map.InputLength)
                return Says($"FirstNeeded({output})", needed, $"from 0 to {map.InputLength}");
            if (needed > map.FirstNeeded(output + 1))
                return Says($"FirstNeeded({output})", needed, $"at most FirstNeeded({output + 1}), which is {map.FirstNeeded(output + 1)}");
            for (var later = output; later < map.OutputLength; later++)
            {
                if (!reads[later].IsEmpty && reads[later].Start < needed)
                    return Says($"FirstNeeded({output})", needed, $"at most {reads[later].Start}, which output {later} reads");
            }
        }

        return null;
    }

    private string? FaultOfSpans()
    {
        for (long first = 0; first < map.OutputLength; first++)
        {
            var hull = default(Interval);
            for (var end = first + 1; end <= Math.Min(first + Longest, map.OutputLength); end++)
            {
                hull = hull.Hull(reads[end - 1]);
                var (name, span) = ($"Span({first}, {end})", map.Span(first, end));
                var bounds = new Interval(map.FirstNeeded(first), Math.Min(map.InputLength, map.Required(end)));
                if (!span.Interval.Contains(hull))
                    return Says(name, span.Interval, $"{span.Interval.Hull(hull)}, since {hull} is read");
                if (span.Start < 0 || span.End < span.Start || span.End > map.InputLength)
                    return Says(name, $"[{span.Start}, {span.End})", $"within [0, {map.InputLength})");
                if (span.Before < 0 || span.After < 0)
                    return Says(name, span, "without negative padding");
                if (!bounds.Contains(span.Interval))
                    return Says(name, span.Interval, $"within {bounds}, which FirstNeeded({first}) and Required({end}) say");
            }
        }

        return null;
    }

    private string? FaultOfPoints()
    {
        for (long output = 0; output < map.OutputLength; output++)
        {
            if (map.OutputLength != map.InputLength
                || map.VirtualCut(output) != output
                || map.Span(output, output + 1) != new AxisSpan(output, output + 1, 0, 0))
            {
                return $"says that it is pointwise, but {where} output {output} is not of input {output} alone; "
                    + "take back IsPointwise, or give an IdentityMap";
            }
        }

        return null;
    }

    private string Says(string name, object value, string right) => $"says that {name} is {value} {where}; it should be {right}";
}
