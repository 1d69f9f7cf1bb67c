using StreamingCnn.Geometry;

namespace StreamingCnn.Tests.Geometry;

/// <summary>
/// Integer functions against what each output reads, position by position, as the layer's definition says it: spans, first needed inputs
/// and available outputs are exact, so that no planning is more cautious than it must be. All small settings.
/// </summary>
public class ExactReadsTests
{
    private const long Longest = 13;

    [Theory]
    [InlineData("identity")]
    [InlineData("magnification")]
    [InlineData("replication")]
    [InlineData("reflection")]
    [InlineData("nearest")]
    [InlineData("linear")]
    [InlineData("cubic")]
    [InlineData("windows")]
    [InlineData("neighbourhood")]
    [InlineData("transposed")]
    public void Spans_and_cuts_are_those_of_the_definition(string kind)
    {
        foreach (var (name, map, outputs, reads) in Cases(kind))
        {
            Assert.Equal(outputs, map.OutputLength);
            var read = Enumerable.Range(0, (int)outputs).Select(output => reads(output).ToArray()).ToArray();
            for (var first = 0; first < outputs; first++)
            {
                for (var end = first + 1; end <= outputs; end++)
                {
                    long[] all = [.. read[first..end].SelectMany(one => one)];
                    var span = map.Span(first, end);
                    Law.Holds(
                        all.Length == 0 ? span.Interval.IsEmpty : (span.Start, span.End) == (all.Min(), all.Max() + 1),
                        $"{name}: [{first}, {end}) reads {string.Join(' ', all.Distinct())}, not {span}");
                    Law.Holds(!span.IsPadded, $"{name}: [{first}, {end}) has padding");
                }

                var needed = read[first..].SelectMany(one => one).DefaultIfEmpty(map.InputLength).Min();
                // An input may stay until a stretch of outputs that nothing is added to has passed.
                Law.Holds(
                    map.FirstNeeded(first) == needed || (kind == "transposed" && map.FirstNeeded(first) < needed),
                    $"{name}: {map.FirstNeeded(first)} instead of {needed} is needed from {first} on");
            }

            Assert.Equal(map.InputLength, map.FirstNeeded(outputs));
            for (long input = 0; input <= map.InputLength; input++)
            {
                var available = read.TakeWhile(one => one.All(position => position < input)).Count();
                // An output between the inputs' reach, which nothing is added to, waits for the next input as those around it do.
                Law.Holds(
                    map.Available(input) == available || (kind == "transposed" && map.Available(input) < available),
                    $"{name}: {map.Available(input)} instead of {available} outputs of {input} inputs");
            }
        }
    }

    /// <summary>At lengths of thousands single precision moves an output to the next input now and then, and cuts go with it.</summary>
    [Theory]
    [InlineData(13793, 6335)]
    [InlineData(4777, 19915)]
    public void Cuts_of_nearest_neighbours_follow_their_rounding(long length, long resized)
    {
        var map = new NearestResize(length, resized);
        long[] reads = [.. Range(resized).Select(output => Nearest(length, resized, output))];
        Assert.Contains(reads.Index(), one => one.Item > one.Index * length / resized);
        var available = 0;
        for (long input = 0; input <= length; input++)
        {
            while (available < resized && reads[available] < input)
                available++;
            Law.Holds(map.Available(input) == available, $"{map.Available(input)} instead of {available} outputs of {input} inputs");
        }
    }

    [Fact]
    public void Interpolation_is_between_the_inputs_around_the_position()
    {
        foreach (var (length, resized, corners) in Resizes())
        {
            var (linear, cubic) = (new LinearResize(length, resized, corners), new CubicResize(length, resized, corners));
            for (long output = 0; output < resized; output++)
            {
                var (numerator, denominator) = Position(length, resized, corners, output);
                var (input, part, of) = cubic.Source(output);
                Assert.Equal((numerator * of, true), (((input * of) + part) * denominator, part >= 0 && part < of));
                var clamped = Math.Max(0, numerator);
                var (lower, upper, weight, whole) = linear.Source(output);
                var (at, step) = (Floor(clamped, denominator), IsConstant(length, resized, corners) || numerator < 0 ? 0 : 1);
                Assert.Equal((at, Math.Min(length - 1, at + step)), (lower, upper));
                Assert.Equal(clamped * whole, ((lower * whole) + weight) * denominator);
            }
        }
    }

    [Fact]
    public void Blocks_of_attention_are_its_outputs_in_order_with_all_that_they_look_at()
    {
        foreach (var kind in (string[])["windows", "neighbourhood"])
        {
            foreach (var (name, map, _, _) in Cases(kind))
            {
                var attention = (AttentionMap)map;
                Assert.Equal((2 * attention.Window) - 1, attention.Biases);
                for (long first = 0; first < map.OutputLength; first++)
                {
                    for (var end = first + 1; end <= map.OutputLength; end++)
                    {
                        var next = first;
                        foreach (var (queries, keys) in attention.Blocks(new(first, end)))
                        {
                            Law.Holds(
                                queries.Start == next && queries.End > next, $"{name}: a block begins at {queries.Start}, not {next}");
                            Law.Holds(
                                queries.Length <= attention.LongestQueries && keys.Length <= attention.LongestKeys,
                                $"{name}: {queries} looks at {keys}");
                            var looked = Range(attention.PaddedLength).Where(position =>
                                Range(queries.Length).Any(output => attention.Bias(queries.Start + output, position) >= 0));
                            Law.Holds((keys.Start, keys.End) == (looked.Min(), looked.Max() + 1), $"{name}: {queries} looks at {keys}");
                            next = queries.End;
                        }

                        Assert.Equal(end, next);
                    }
                }
            }
        }
    }

    [Fact]
    public void A_bias_is_that_of_the_distance()
    {
        foreach (var length in Lengths())
        {
            for (long window = 1; window <= 7; window++)
            {
                for (long shift = 0; shift < window; shift++)
                {
                    var map = new WindowPartition(length, window, shift);
                    ForEach(map, (output, position) => WindowOf(length, window, shift, output) == WindowOf(length, window, shift, position)
                        ? output - position + window - 1 : -1);
                }

                if (window % 2 == 1)
                    ForEach(new Neighbourhood(length, window), (output, position) =>
                        Around(length, window, output).Contains((int)position) ? position - output + window - 1 : -1);
            }
        }

        static void ForEach(AttentionMap map, Func<long, long, long> bias)
        {
            for (long output = 0; output < map.OutputLength; output++)
            {
                for (long position = 0; position < map.PaddedLength; position++)
                    Assert.Equal(bias(output, position), map.Bias(output, position));
            }
        }
    }

    /// <summary>
    /// Those that fit; where their number is rounded up, one more where something is left, unless it would begin behind the input.
    /// </summary>
    [Fact]
    public void Windows_are_as_many_as_PyTorch_has()
    {
        var settings =
            from n in Lengths()
            from k in Range(4)
            from s in Range(4)
            from d in Range(2)
            from p in Range(5)
            from q in Range(5)
            from ceiling in new[] { false, true }
            select (n, k: k + 1, s: s + 1, d: d + 1, p: p - 1, q: q - 1, ceiling);
        foreach (var (n, k, s, d, p, q, ceiling) in settings)
        {
            long extent = (d * (k - 1)) + 1, all = n + p + q, left = ceiling ? s - 1 : 0;
            var windows = Range(50).TakeWhile(window => (s * window) + extent <= all + left).Count();
            if (ceiling && s * (windows - 1) >= n + p)
                windows--;
            if (windows < 1)
                Assert.Throws<GeometryException>(() => new SlidingWindow(n, k, s, d, p, q, ceiling));
            else
                Assert.Equal(windows, new SlidingWindow(n, k, s, d, p, q, ceiling).OutputLength);
        }
    }

    [Fact]
    public void Inputs_of_a_transposed_window_end_where_their_last_one_ends()
    {
        var map = new TransposedWindow(length: 6, kernel: 3, stride: 2, dilation: 2, padding: 1, outputPadding: 1);
        Assert.Equal([3L, 4, 6, 8, 10, 12, 14], [map.FirstOutput(2), .. Enumerable.Range(1, 6).Select(input => map.EndOfOutputs(input))]);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(5, 0)]
    [InlineData(0, 5)]
    public void Reflection_is_refused_beyond_the_other_end(long before, long after) =>
        Assert.Throws<GeometryException>(() => new ReflectionPadding(5, before, after));

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    public void Replication_does_not_crop(long before, long after) =>
        Assert.Throws<GeometryException>(() => new ReplicationPadding(5, before, after));

    [Fact]
    public void Regions_are_counted_from_a_corner_and_back()
    {
        var corner = new Corner(3, 20);
        var region = new Region(new(5, 9), new(21, 40));
        Assert.Equal(new(new(2, 6), new(1, 20)), corner.Relative(region));
        Assert.Equal(region, corner.Absolute(corner.Relative(region)));
        Assert.Equal(new(new(0, 7), new(0, 8)), Region.Whole(7, 8));
        Assert.False(new AxisSpan(1, 2, 0, 0).IsPadded);
        Assert.True(new AxisSpan(1, 2, 1, 0).IsPadded);
        Assert.True(new AxisSpan(1, 2, 0, 1).IsPadded);
    }

    /// <summary>Maps, how many outputs they must have, and what each output reads.</summary>
    private static IEnumerable<(string Name, AxisMap Map, long Outputs, Func<long, IEnumerable<long>> Reads)> Cases(string kind)
    {
        foreach (var n in Lengths())
        {
            switch (kind)
            {
                case "identity":
                    yield return ($"{n}", new IdentityMap(n), n, output => [output]);
                    break;
                case "magnification":
                    for (long factor = 1; factor <= 4; factor++)
                    {
                        var f = factor;
                        yield return ($"{n} x {f}", new Magnification(n, f), n * f, output => [output / f]);
                    }

                    break;
                case "replication":
                    for (long p = 0; p <= 3; p++)
                    {
                        for (long q = 0; q <= 3; q++)
                        {
                            var before = p;
                            yield return ($"{n} with {p}, {q}", new ReplicationPadding(n, p, q), n + p + q, output =>
                                [Math.Clamp(output - before, 0, n - 1)]);
                        }
                    }

                    break;
                case "reflection":
                    for (long p = 0; p < Math.Min(n, 5); p++)
                    {
                        for (long q = 0; q < Math.Min(n, 5); q++)
                        {
                            var before = p;
                            yield return ($"{n} with {p}, {q}", new ReflectionPadding(n, p, q), n + p + q, output =>
                                [Mirrored(output - before, n)]);
                        }
                    }

                    break;
                case "windows":
                    for (long window = 1; window <= 6; window++)
                    {
                        for (long shift = 0; shift < window; shift++)
                        {
                            var (w, s) = (window, shift);
                            yield return ($"{n} in {w} shifted by {s}", new WindowPartition(n, w, s), n, output =>
                                Range(n).Where(position => WindowOf(n, w, s, position) == WindowOf(n, w, s, output)));
                        }
                    }

                    break;
                case "neighbourhood":
                    for (long window = 1; window <= 7; window += 2)
                    {
                        var w = window;
                        yield return ($"{n} of {w}", new Neighbourhood(n, w), n, output =>
                            Around(n, w, output).Select(position => (long)position).Where(position => position < n));
                    }

                    break;
                case "transposed":
                    foreach (var (k, s, d, p, op) in Transposed(n))
                    {
                        yield return ($"{n} k={k} s={s} d={d} p={p} op={op}", new TransposedWindow(n, k, s, d, p, op),
                            ((n - 1) * s) - (2 * p) + (d * (k - 1)) + 1 + op,
                            output => Range(n).Where(input => (s * input) - p <= output && output <= (s * input) - p + (d * (k - 1))));
                    }

                    break;
                default:
                    foreach (var (length, resized, corners) in Resizes().Where(one => one.Length == n))
                    {
                        if (kind == "nearest" && corners)
                            continue;
                        AxisMap map = kind == "nearest" ? new NearestResize(length, resized)
                            : kind == "linear" ? new LinearResize(length, resized, corners) : new CubicResize(length, resized, corners);
                        yield return ($"{length} to {resized}, corners {corners}", map, resized, output => kind == "nearest"
                            ? [Nearest(length, resized, output)] : Around(kind, length, resized, corners, output));
                    }

                    break;
            }
        }
    }

    private static IEnumerable<(long K, long S, long D, long P, long Op)> Transposed(long length) =>
        from k in new long[] { 1, 2, 3 }
        from s in new long[] { 1, 2, 3 }
        from d in new long[] { 1, 2 }
        from p in new long[] { 0, 1, 2 }
        from op in new long[] { 0, 1 }
        where ((length - 1) * s) - (2 * p) + (d * (k - 1)) + 1 + op >= 1 && op < Math.Max(s, d)
        select (k, s, d, p, op);

    private static IEnumerable<(long Length, long Resized, bool Corners)> Resizes() =>
        from length in Lengths()
        from resized in Enumerable.Range(1, 28)
        from corners in new[] { false, true }
        select (length, (long)resized, corners);

    private static IEnumerable<long> Lengths() => Enumerable.Range(1, (int)Longest).Select(length => (long)length);

    private static IEnumerable<long> Range(long count) => Enumerable.Range(0, (int)count).Select(one => (long)one);

    /// <summary>Which window a position is in, of a map that is padded to whole windows; the only one is not shifted.</summary>
    private static long WindowOf(long length, long window, long shift, long position) =>
        window >= length ? 0 : Floor(position - shift, window);

    private static IEnumerable<int> Around(long length, long window, long output) => Enumerable.Range(
        (int)Math.Max(0, Math.Min(output - (window / 2), Math.Max(length, window) - window)), (int)window);

    /// <summary>Two or four inputs around the position, those beyond an end being the one at the end.</summary>
    private static IEnumerable<long> Around(string kind, long length, long resized, bool corners, long output)
    {
        var (numerator, denominator) = Position(length, resized, corners, output);
        if (IsConstant(length, resized, corners))
            return [0];
        if (kind == "linear" && numerator < 0)
            return [0];
        var at = Floor(numerator, denominator);
        return (kind == "linear" ? new[] { at, at + 1 } : [at - 1, at, at + 1, at + 2]).Select(input => Math.Clamp(input, 0, length - 1));
    }

    /// <summary>PyTorch's positions: o (n - 1) / (N - 1), or (o + 1/2) n / N - 1/2.</summary>
    private static (long Numerator, long Denominator) Position(long length, long resized, bool corners, long output) =>
        IsConstant(length, resized, corners) ? (0, 1)
            : corners ? (output * (length - 1), resized - 1) : ((((2 * output) + 1) * length) - resized, 2 * resized);

    private static bool IsConstant(long length, long resized, bool corners) => corners && (length == 1 || resized == 1);

    private static long Mirrored(long position, long length) =>
        position < 0 ? -position : position >= length ? (2 * (length - 1)) - position : position;

    private static long Nearest(long length, long resized, long output) => resized == length ? output
        : resized == 2 * length ? output / 2 : Math.Min(length - 1, (long)MathF.Floor(output * ((float)length / resized)));

    private static long Floor(long value, long divisor) => (value / divisor) - (value % divisor < 0 ? 1 : 0);
}
