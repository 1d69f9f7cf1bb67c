using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models;

/// <summary>
/// Attention between neighbours against its published definitions, written anew, and streamed against whole. All sizes of map, window and
/// tile are tried where all layers are; here are the ones that have a rule of their own.
/// </summary>
public class AttentionTests
{
    private const long Channels = 6;
    private const long Heads = 2;

    [Theory]
    [InlineData(14, 21, 7, 0)]
    [InlineData(14, 21, 7, 3)]
    [InlineData(15, 26, 7, 3)]
    [InlineData(13, 9, 4, 1)]
    // One window covers the padded map along an axis, which is not shifted then, or along both.
    [InlineData(7, 20, 7, 3)]
    [InlineData(20, 5, 7, 3)]
    [InlineData(3, 6, 7, 3)]
    [InlineData(1, 1, 2, 1)]
    public void Windows_are_those_of_the_published_network(long height, long width, long window, long shift)
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var attention = new WindowAttention(Channels, Heads, window, shift);
        Fill(attention);
        var image = randn(2, Channels, height, width, dtype: ScalarType.Float64);

        var expected = Published(attention, image);

        Assert.InRange(Compare.RelativeError(attention.forward(image), expected), 0, 1e-13);
        using var streaming = new StreamingModule(attention, new() { Tile = (6, 5) });
        Assert.InRange(Compare.RelativeError(streaming.forward(image), expected), 0, 1e-13);
    }

    [Theory]
    [InlineData(12, 17, 5)]
    [InlineData(9, 9, 7)]
    // Smaller than a neighbourhood along one axis or both.
    [InlineData(4, 11, 7)]
    [InlineData(8, 2, 5)]
    [InlineData(3, 1, 7)]
    public void Neighbourhoods_are_those_of_the_published_network(long height, long width, long window)
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var attention = new NeighbourhoodAttention(Channels, Heads, window);
        Fill(attention);
        var image = randn(2, Channels, height, width, dtype: ScalarType.Float64);

        var expected = ByPositions(attention, image);

        Assert.InRange(Compare.RelativeError(attention.forward(image), expected), 0, 1e-13);
        using var streaming = new StreamingModule(attention, new() { Tile = (6, 5) });
        Assert.InRange(Compare.RelativeError(streaming.forward(image), expected), 0, 1e-13);
    }

    [Fact]
    public void Four_neighbours_become_channels_in_the_published_order()
    {
        using var stack = new StackedPatches();
        using var map = tensor(new double[] { 1, 2, 3, 4, 5, 6 }).reshape(1, 1, 2, 3);
        using var stacked = stack.forward(map);
        Assert.Equal([1, 4, 1, 2], stacked.shape);
        // Upper left, lower left, upper right, lower right; the third column has no right neighbour.
        Assert.Equal([1, 3, 4, 6, 2, 0, 5, 0], stacked.flatten().data<double>().ToArray());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Blurring_is_a_convolution_with_a_binomial_filter_on_a_mirrored_border(int size)
    {
        manual_seed(5);
        using var scope = NewDisposeScope();
        double[] binomial = size switch { 3 => [1, 2, 1], 4 => [1, 3, 3, 1], _ => [1, 4, 6, 4, 1] };
        var along = tensor(binomial);
        var filter = (along.outer(along) / Math.Pow(binomial.Sum(), 2)).reshape(1, 1, size, size).expand(3, 1, size, size).clone();
        var map = randn(2, 3, 11, 14, dtype: ScalarType.Float64);
        var (before, after) = ((size - 1) / 2, size / 2);
        var padded = functional.pad(map, [before, after, before, after], PaddingModes.Reflect);

        using var pool = new BlurPool(size);

        Assert.InRange(
            Compare.RelativeError(pool.forward(map), functional.conv2d(padded, filter, strides: [2, 2], groups: 3)), 0, 1e-14);
    }

    [Theory]
    [InlineData(5, 2, 7, 0, "5 channels cannot be shared out over 2 heads; choose a divisor.")]
    [InlineData(6, 0, 7, 0, "heads")]
    [InlineData(6, 2, 7, 7, "shift")]
    [InlineData(6, 2, 7, -1, "shift")]
    public void Numbers_that_do_not_fit_are_refused(long channels, long heads, long window, long shift, string reason) => Assert.Contains(
        reason,
        Assert.ThrowsAny<ArgumentException>(() => new WindowAttention(channels, heads, window, shift)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_neighbourhood_has_a_middle() => Assert.Contains(
        "A neighbourhood of 4 x 4 has no middle; choose an odd height and width.",
        Assert.Throws<ArgumentException>(() => new NeighbourhoodAttention(4, 2, 4)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_map_of_other_channels_is_refused()
    {
        using var attention = new WindowAttention(4, 2);
        using var map = zeros(1, 3, 8, 8);
        Assert.Contains(
            "The input is [1, 3, 8, 8], but a map [N, 4, H, W] is needed.",
            Assert.Throws<ArgumentException>(() => attention.forward(map)).Message,
            StringComparison.Ordinal);
        using var streaming = new StreamingModule(attention, new() { Tile = (8, 8) });
        Assert.Contains(
            "expects 4 channels, but gets 3",
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward(map)).Message,
            StringComparison.Ordinal);
    }

    private static void Fill(Module module)
    {
        module.to(ScalarType.Float64);
        foreach (var parameter in module.parameters())
            parameter.normal_(0, 0.7);
    }

    /// <summary>
    /// As torchvision computes it: pad, roll, cut, subtract 100 from the scores of positions that the roll has brought together, and back.
    /// </summary>
    private static Tensor Published(WindowAttention attention, Tensor image)
    {
        var state = attention.state_dict();
        var (size, height, width) = ((int)attention.Window, image.shape[2], image.shape[3]);
        var map = functional.pad(image.permute(0, 2, 3, 1), [0, 0, 0, (size - (width % size)) % size, 0, (size - (height % size)) % size]);
        var (padHeight, padWidth) = (map.shape[1], map.shape[2]);
        var (down, right) = (size >= padHeight ? 0 : attention.Shift, size >= padWidth ? 0 : attention.Shift);
        map = map.roll([-down, -right], [1, 2]);
        var windows = padHeight / size * (padWidth / size);
        Tensor Cut(Tensor one) => one
            .reshape(one.shape[0], padHeight / size, size, padWidth / size, size, one.shape[3])
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(one.shape[0] * windows, size * size, one.shape[3]);
        var x = Cut(map);
        var qkv = functional.linear(x, state["qkv.weight"], state["qkv.bias"])
            .reshape(x.shape[0], x.shape[1], 3, Heads, Channels / Heads).permute(2, 0, 3, 1, 4);
        var scores = (qkv[0] * Math.Pow((double)Channels / Heads, -0.5)).matmul(qkv[1].transpose(-2, -1));
        var index = state["relative_position_index"].to(ScalarType.Int64);
        scores += state["relative_position_bias_table"].index_select(0, index)
            .reshape(size * size, size * size, Heads).permute(2, 0, 1).unsqueeze(0);
        if (down + right > 0)
        {
            var kinds = zeros(1, padHeight, padWidth, 1, dtype: ScalarType.Float64);
            var count = 0;
            foreach (var (rowStart, rowEnd) in Slices(padHeight, down))
            {
                foreach (var (columnStart, columnEnd) in Slices(padWidth, right))
                {
                    if (rowEnd > rowStart && columnEnd > columnStart)
                        kinds.narrow(1, rowStart, rowEnd - rowStart).narrow(2, columnStart, columnEnd - columnStart).fill_(count);
                    count++;
                }
            }

            var cut = Cut(kinds).squeeze(-1);
            var mask = (cut.unsqueeze(1) - cut.unsqueeze(2)).ne(0).to(ScalarType.Float64) * -100;
            scores = (scores.reshape(-1, windows, Heads, size * size, size * size) + mask.unsqueeze(1).unsqueeze(0))
                .reshape(-1, Heads, size * size, size * size);
        }

        x = scores.softmax(-1).matmul(qkv[2]).transpose(1, 2).reshape(x.shape[0], size * size, Channels);
        x = functional.linear(x, state["proj.weight"], state["proj.bias"]);
        x = x.reshape(image.shape[0], padHeight / size, padWidth / size, size, size, Channels)
            .permute(0, 1, 3, 2, 4, 5).reshape(image.shape[0], padHeight, padWidth, Channels);
        return x.roll([down, right], [1, 2]).narrow(1, 0, height).narrow(2, 0, width).permute(0, 3, 1, 2);

        // Python's slices (0, -size), (-size, -shift), (-shift, None): where nothing is shifted the last one is all.
        (long, long)[] Slices(long length, long shift) =>
            [(0, length - size), (length - size, shift == 0 ? 0 : length - shift), (shift == 0 ? 0 : length - shift, length)];
    }

    /// <summary>Position by position.</summary>
    private static Tensor ByPositions(NeighbourhoodAttention attention, Tensor image)
    {
        var state = attention.state_dict();
        var (window, height, width) = (attention.Window, image.shape[2], image.shape[3]);
        var (rows, columns) = (Math.Max(height, window), Math.Max(width, window));
        var map = zeros(image.shape[0], rows, columns, Channels, dtype: ScalarType.Float64);
        map.narrow(1, 0, height).narrow(2, 0, width).copy_(image.permute(0, 2, 3, 1));
        var qkv = functional.linear(map, state["qkv.weight"], state["qkv.bias"]);
        var depth = Channels / Heads;
        var gathered = zeros_like(map);
        for (long row = 0; row < rows; row++)
        {
            for (long column = 0; column < columns; column++)
            {
                var (top, left) = (First(row, rows), First(column, columns));
                for (long head = 0; head < Heads; head++)
                {
                    var query = qkv.select(1, row).select(1, column).narrow(1, head * depth, depth) / Math.Sqrt(depth);
                    var around = qkv.narrow(1, top, window).narrow(2, left, window);
                    var keys = around.narrow(3, Channels + (head * depth), depth);
                    var values = around.narrow(3, (2 * Channels) + (head * depth), depth);
                    var biases = state["rpb"].select(0, head)
                        .narrow(0, top - row + window - 1, window).narrow(1, left - column + window - 1, window);
                    var scores = (query.unsqueeze(1).unsqueeze(1) * keys).sum([-1]) + biases;
                    var weights = scores.flatten(1).softmax(-1).reshape(scores.shape);
                    gathered.select(1, row).select(1, column).narrow(1, head * depth, depth)
                        .copy_((weights.unsqueeze(-1) * values).sum([1, 2]));
                }
            }
        }

        return functional.linear(gathered, state["proj.weight"], state["proj.bias"])
            .narrow(1, 0, height).narrow(2, 0, width).permute(0, 3, 1, 2);

        long First(long position, long length) => Math.Max(0, Math.Min(position - (window / 2), length - window));
    }
}
