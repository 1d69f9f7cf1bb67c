using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using StreamingCnn.Tests.Planning;

namespace StreamingCnn.Tests.Geometry;

/// <summary>The smallest cases in which the obvious formula is wrong, each with the number that it would have given.</summary>
public class GeometryTrapTests
{
    [Fact]
    public void Cuts_start_at_zero_even_where_padding_alone_gives_outputs()
    {
        // A 1x1 convolution with padding 1: output 0 reads nothing, so that its virtual cut is 1 before any input is there.
        Assert.Equal(1, new SlidingWindow(4, 1, before: 1, after: 1).VirtualCut(0));

        var layout = Layout(4, 2, new MapSettings(MapKind.Window, Before: 1, After: 1));

        Assert.Equal(0, layout.Cut(1, 0));
        Assert.Equal(new Interval(0, 3), layout.Computed(1, 0));
    }

    [Fact]
    public void Virtual_cuts_are_not_clamped_on_their_way()
    {
        // The last output reads the padding behind the image; a cut clamped to the image's 4 pixels would never pass output 3.
        var map = new SlidingWindow(4, 3, before: 1, after: 1);

        Assert.Equal(3, map.VirtualCut(4));
        Assert.Equal(4, map.VirtualCut(5));
        Assert.Equal(3, Layout(4, 2, new MapSettings(MapKind.Window, 3, Before: 1, After: 1)).Steps);
        Assert.Equal(4, map.Available(4));
    }

    [Fact]
    public void What_is_needed_never_lies_behind_the_map_s_own_cut()
    {
        // With a stride beyond the kernel the next output reads position 2, though positions from 1 on are not there yet.
        var layout = Layout(3, 1, new(MapKind.Pointwise), new(MapKind.Window, Stride: 2));

        Assert.Equal(2, layout.Network.Map(2).FirstNeeded(1));
        Assert.Equal((1, 1), (layout.Cut(1, 1), layout.Low(1, 1)));
    }

    [Fact]
    public void A_complete_map_needs_nothing_more()
    {
        var map = new SlidingWindow(3, 3, before: 1, after: 1);

        // The formula s*o - p gives 2, and two dead rows would be carried to the end.
        Assert.Equal(3, map.FirstNeeded(3));
        Assert.Equal(1, map.FirstNeeded(2));
    }

    [Fact]
    public void A_span_wholly_in_the_padding_is_empty_and_not_negative()
    {
        var map = new SlidingWindow(5, 2, before: 2, after: 2);

        Assert.Equal(new AxisSpan(0, 0, 2, 0), map.Span(0, 1));
        Assert.Equal(new AxisSpan(0, 1, 1, 0), map.Span(1, 2));
        Assert.Equal(new AxisSpan(5, 5, 2, 0), map.Span(7, 8));
    }

    [Fact]
    public void Division_rounds_down_where_CSharp_rounds_towards_zero()
    {
        // (1 - 3) / 4 is 0 in C#, and would invent an output.
        Assert.Throws<GeometryException>(() => new SlidingWindow(1, 3, stride: 4));
        Assert.Equal(-1, Division.Floor(1 - 3, 4));
    }

    [Fact]
    public void In_ceil_mode_a_window_that_would_start_in_the_padding_behind_is_dropped()
    {
        // PyTorch: kernel 2, stride 2, padding 1 on 3 positions gives 3 windows by the formula, of which the last starts at 3.
        Assert.Equal(2, new SlidingWindow(3, 2, 2, before: 1, after: 1, ceiling: true).OutputLength);
        // The last window overhangs the padding, and its span says so.
        var overhanging = new SlidingWindow(6, 3, 2, ceiling: true);
        Assert.Equal(3, overhanging.OutputLength);
        Assert.Equal(new AxisSpan(4, 6, 0, 1), overhanging.Span(2, 3));
    }

    [Fact]
    public void Reflection_waits_for_the_mirror_and_holds_on_to_it()
    {
        var map = new ReflectionPadding(6, 2, 3);

        // Output 0 shows position 2, so that nothing can be computed until 3 positions are there, and then 5 outputs can.
        Assert.Equal((0, 5), (map.VirtualCut(2), map.VirtualCut(3)));
        // The last output shows position 2 again: it is needed until the map is complete.
        Assert.Equal((2, 2, 6), (map.FirstNeeded(6), map.FirstNeeded(10), map.FirstNeeded(11)));
        Assert.Equal(new AxisSpan(2, 3, 0, 0), map.Span(10, 11));
        // Between its ends an interval can turn: outputs 1 to 3 show positions 1, 0 and 1.
        Assert.Equal(new AxisSpan(0, 2, 0, 0), map.Span(1, 4));
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(0, 4)]
    [InlineData(-1, 0)]
    public void Reflection_padding_is_smaller_than_the_map(long before, long after) =>
        Assert.Throws<GeometryException>(() => new ReflectionPadding(4, before, after));

    [Fact]
    public void A_convolution_that_mirrors_at_most_half_its_kernel_has_the_geometry_of_zero_padding()
    {
        // What the border mirrors lies inside the window anyway.
        var zeros = new SlidingWindow(9, 5, 2, before: 2, after: 2);
        var padding = new ReflectionPadding(9, 2, 2);
        var mirrored = new Composition(padding, new SlidingWindow(padding.OutputLength, 5, 2));
        Assert.Equal(zeros.OutputLength, mirrored.OutputLength);
        for (long output = 0; output < zeros.OutputLength; output++)
            Assert.Equal(mirrored.Span(output, output + 1).Interval, zeros.Span(output, output + 1).Interval);
    }

    [Fact]
    public void Constant_padding_crops_where_it_is_negative()
    {
        var map = new SlidingWindow(6, 1, before: -2, after: -1);

        Assert.Equal(3, map.OutputLength);
        Assert.Equal(new AxisSpan(2, 5, 0, 0), map.Span(0, 3));
        Assert.Throws<GeometryException>(() => new SlidingWindow(6, 1, before: -3, after: -3));
    }

    [Fact]
    public void Bilinear_weights_follow_from_the_position_in_the_whole_map()
    {
        // Tripling 4 positions: output 5 stands at (5 + 1/2) / 3 - 1/2 = 4/3. A window that begins at position 1 would put its output 2 at
        // 1/3.
        var map = new LinearResize(4, 12, alignCorners: false);
        var (lower, upper, numerator, denominator) = map.Source(5);

        Assert.Equal((1, 2), (lower, upper));
        Assert.Equal(denominator, 3 * numerator);
        // Before the first centre and behind the last PyTorch repeats the border.
        Assert.Equal((0, 0, 0, 1), map.Source(0));
        Assert.Equal((3, 3), (map.Source(11).Lower, map.Source(11).Upper));
    }

    [Fact]
    public void A_transposed_convolution_shorter_than_its_stride_leaves_outputs_that_read_nothing()
    {
        // Kernel 1, stride 3, output padding 2: inputs land on 0, 3, 6; all else is bias alone.
        var map = new TransposedWindow(3, 1, 3, 1, 0, 2);

        Assert.Equal(9, map.OutputLength);
        Assert.True(map.Span(1, 3).Interval.IsEmpty);
        Assert.Equal(new Interval(1, 2), map.Span(1, 4).Interval);
        Assert.True(map.Span(7, 9).Interval.IsEmpty);
    }

    [Fact]
    public void A_tile_that_covers_the_image_is_the_only_one()
    {
        var map = new MapSettings(MapKind.Window, 7, Before: 3, After: 3);

        Assert.Equal(1, Layout(16, 16, map).Steps);
        Assert.Equal(1, Layout(16, 1000, map).Steps);
        Assert.Equal(2, Layout(16, 15, map).Steps);
    }

    [Fact]
    public void Nearest_resizing_rounds_as_PyTorch_does_in_single_precision()
    {
        // 15 * (7 / 15f) is 7.0000005 in single precision or 6.9999995, never exactly what the fraction says: it is PyTorch's result that
        // counts.
        var misses = 0;
        for (long length = 1; length <= 100; length++)
        {
            for (long resized = 1; resized <= 100; resized++)
            {
                var map = new NearestResize(length, resized);
                for (long output = 0; output < resized; output++)
                    misses += map.Source(output) == output * length / resized ? 0 : 1;
            }
        }

        Assert.True(misses > 0, "Single precision agrees everywhere; then the exact fraction would do.");
    }

    private static ExactlyOnceLayout Layout(long length, long tile, params MapSettings[] layers)
    {
        var graph = RandomGraph.Chain(layers);
        return new(new AxisNetwork(graph, Axis.Rows, length), new MapRoles(graph), tile, beyondBorder: true);
    }
}
