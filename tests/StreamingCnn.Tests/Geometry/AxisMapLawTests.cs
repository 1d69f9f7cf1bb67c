using CsCheck;
using StreamingCnn.Geometry;

namespace StreamingCnn.Tests.Geometry;

/// <summary>
/// What holds for the integer functions of every layer, whatever it computes. That they speak the truth is in LayerReadsTests.
/// </summary>
public class AxisMapLawTests
{
    private const long Cases = 2000;

    // Beyond both ends of the map, for virtual cuts go on there.
    private const long Margin = 40;

    [Fact]
    public void Required_is_the_smallest_cut_whose_virtual_cut_reaches_the_output() => AxisMapCases.Any.Sample(
        c =>
        {
            foreach (var output in Outputs(c.Map))
            {
                var required = c.Map.Required(output);
                Law.Holds(c.Map.VirtualCut(required) >= output, $"{c}: V({required}) is {c.Map.VirtualCut(required)}, below {output}");
                Law.Holds(c.Map.VirtualCut(required - 1) < output, $"{c}: V({required - 1}) reaches {output} already");
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void Virtual_cuts_are_monotone_and_unbounded_both_ways() => AxisMapCases.Any.Sample(
        c =>
        {
            for (var input = -Margin; input < c.Map.InputLength + Margin; input++)
                Law.Holds(c.Map.VirtualCut(input) <= c.Map.VirtualCut(input + 1), $"{c}: V falls from {input} to {input + 1}");
            // Any output, however far away, has a finite cut.
            foreach (var far in new[] { -1_000_000, 1_000_000 })
            {
                var required = c.Map.Required(far);
                Law.Holds(c.Map.VirtualCut(required) >= far && c.Map.VirtualCut(required - 1) < far, $"{c} at {far}");
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void Available_is_monotone_and_all_outputs_are_once_all_inputs_are() => AxisMapCases.Any.Sample(
        c =>
        {
            for (var input = -Margin; input < c.Map.InputLength + Margin; input++)
            {
                Assert.InRange(c.Map.Available(input), 0, c.Map.OutputLength);
                Law.Holds(c.Map.Available(input) <= c.Map.Available(input + 1), $"{c}: available falls from {input} to {input + 1}");
            }

            Assert.Equal(c.Map.OutputLength, c.Map.Available(c.Map.InputLength));
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void First_needed_is_monotone_within_the_input_and_its_length_at_the_end() => AxisMapCases.Any.Sample(
        c =>
        {
            foreach (var output in Outputs(c.Map))
            {
                var needed = c.Map.FirstNeeded(output);
                Law.Holds(needed >= 0 && needed <= c.Map.InputLength, $"{c}: first needed of {output} is {needed}");
                Law.Holds(needed <= c.Map.FirstNeeded(output + 1), $"{c}: first needed falls from {output} to {output + 1}");
                if (output >= c.Map.OutputLength)
                    Law.Holds(needed == c.Map.InputLength, $"{c}: complete, but still needs {needed}");
            }
        },
        iter: Cases,
        threads: 1);

    [Fact]
    public void A_span_lies_in_the_input_and_holds_its_outputs_spans_and_nothing_around_them() => AxisMapCases.Any.Sample(
        c =>
        {
            for (long first = 0; first < c.Map.OutputLength; first++)
            {
                var hull = default(Interval);
                for (var end = first + 1; end <= Math.Min(first + 12, c.Map.OutputLength); end++)
                {
                    var span = c.Map.Span(first, end);
                    hull = hull.Hull(c.Map.Span(end - 1, end).Interval);
                    Law.Holds(
                        0 <= span.Start && span.Start <= span.End && span.End <= c.Map.InputLength, $"{c}: [{first}, {end}) reads {span}");
                    Law.Holds(span.Before >= 0 && span.After >= 0, $"{c}: [{first}, {end}) has padding {span}");
                    Law.Holds(span.Interval.Contains(hull), $"{c}: [{first}, {end}) reads {span}, its outputs {hull}");
                    if (!c.LeavesGaps)
                        Law.Holds(
                            hull.IsEmpty ? span.Interval.IsEmpty : span.Interval == hull,
                            $"{c}: [{first}, {end}) reads {span}, its outputs {hull}");
                }
            }
        },
        iter: Cases / 2,
        threads: 1);

    [Fact]
    public void A_span_lies_between_first_needed_and_required() => AxisMapCases.Any.Sample(
        c =>
        {
            for (long first = 0; first < c.Map.OutputLength; first++)
            {
                for (var end = first + 1; end <= Math.Min(first + 12, c.Map.OutputLength); end++)
                {
                    var span = c.Map.Span(first, end);
                    if (span.Interval.IsEmpty)
                        continue;
                    Law.Holds(
                        span.Start >= c.Map.FirstNeeded(first),
                        $"{c}: [{first}, {end}) reads {span}, first needed is {c.Map.FirstNeeded(first)}");
                    Law.Holds(span.End <= c.Map.Required(end), $"{c}: [{first}, {end}) reads {span}, required is {c.Map.Required(end)}");
                }
            }
        },
        iter: Cases / 2,
        threads: 1);

    [Fact]
    public void A_window_s_padding_and_inputs_add_up_to_its_extent() => Gen.Select(
        Gen.Long[1, 40], Gen.Long[1, 7], Gen.Long[1, 5], Gen.Long[1, 3], Gen.Long[-3, 8], Gen.Long[-3, 8], Gen.Bool).Sample(
        (n, k, s, d, p, q, ceiling) =>
        {
            SlidingWindow map;
            try
            {
                map = new(n, k, s, d, p, q, ceiling);
            }
            catch (GeometryException)
            {
                return;
            }

            for (long first = 0; first < map.OutputLength; first++)
            {
                for (var end = first + 1; end <= Math.Min(first + 6, map.OutputLength); end++)
                {
                    // Position by position: those that the windows cover, in front of the input, inside and behind.
                    long from = (s * first) - p, to = (s * (end - 1)) - p + (d * (k - 1)) + 1;
                    long before = 0, inside = 0, after = 0;
                    for (var position = from; position < to; position++)
                    {
                        before += position < 0 ? 1 : 0;
                        inside += position >= 0 && position < n ? 1 : 0;
                        after += position >= n ? 1 : 0;
                    }

                    var expected = inside == 0 ? (0, before + after, 0) : (inside, before, after);
                    var span = map.Span(first, end);
                    Assert.Equal(expected, (span.End - span.Start, span.Before, span.After));
                    if (inside > 0)
                        Assert.Equal(Math.Max(0, from), span.Start);
                }
            }
        },
        iter: Cases,
        threads: 1);

    private static IEnumerable<long> Outputs(AxisMap map)
    {
        for (var output = -Margin; output < map.OutputLength + Margin; output++)
            yield return output;
    }
}
