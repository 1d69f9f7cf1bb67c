using CsCheck;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>Outputs that are handed out rectangle by rectangle are those of forward, each position once.</summary>
public class MapSinkTests
{
    private static readonly Gen<(int Height, int Width, int TileHeight, int TileWidth)> AnySize = Gen.Select(
        Gen.Int[8, 70], Gen.Int[8, 70], Gen.Int[3, 50], Gen.Int[3, 50],
        (height, width, tileHeight, tileWidth) => (height, width, tileHeight, tileWidth));

    [Theory]
    [InlineData(StreamingMode.ExactlyOnce)]
    [InlineData(StreamingMode.Overlap)]
    public void Rectangles_are_those_of_the_output_each_position_once(StreamingMode mode) => AnySize.Sample(
        size =>
        {
            using var trunk = Trunk();
            var options = new StreamingOptions { Tile = (size.TileHeight, size.TileWidth), Mode = mode };
            Check(new StreamingModule(trunk, options), rand(2, 2, size.Height, size.Width));
        },
        iter: 20,
        threads: 1);

    [Theory]
    [InlineData(100, 90, 16, 24)]
    [InlineData(64, 130, 40, 17)]
    [InlineData(61, 50, 7, 50)]
    public void So_they_are_of_a_module_that_the_engine_cannot_see_into(int height, int width, int tileHeight, int tileWidth)
    {
        using var trunk = new WrittenModule(Trunk().call);
        var options = new StreamingOptions { Tile = (tileHeight, tileWidth), Mode = StreamingMode.Overlap };
        Check(new StreamingModule(trunk, options), rand(1, 2, height, width));
    }

    [Fact]
    public void Rows_come_from_top_to_bottom_each_once() => AnySize.Sample(
        size =>
        {
            using var scope = NewDisposeScope();
            using var trunk = Trunk();
            using var streaming = new StreamingModule(trunk, new() { Tile = (size.TileHeight, size.TileWidth), LateMaps = [(2, 2)] });
            using var source = new MemorySource(rand(1, 2, size.Height, size.Width));
            var expected = streaming.forward(source).detach();
            var next = 0L;
            var all = zeros_like(expected);
            using var sink = new RowSink((top, rows) =>
            {
                Assert.Equal(next, top);
                Assert.Equal(expected.shape[3], rows.shape[3]);
                // With late maps the output advances by two tiles at a time at most, at stride 2, and by what the image's end left waiting.
                Assert.InRange(rows.shape[2], 1, (2 * size.TileHeight) + 8);
                all.narrow(2, top, rows.shape[2]).copy_(rows);
                next += rows.shape[2];
            });

            streaming.Run(source, sink);

            Assert.Equal<long[]>(expected.shape, [sink.Shape.Batch, sink.Shape.Channels, sink.Shape.Height, sink.Shape.Width]);
            Assert.Equal(expected.shape[2], next);
            Assert.True(Compare.AreEqual(all, expected));
        },
        iter: 20,
        threads: 1);

    [Fact]
    public void Rows_come_in_order_in_whatever_order_the_rectangles_come() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 9]).Sample(
        (seed, height, width) =>
        {
            using var scope = NewDisposeScope();
            var random = new Random(seed);
            var map = rand(1, 2, height, width);
            long[] rows = [0, .. Enumerable.Range(1, height - 1).Where(_ => random.Next(2) == 0), height];
            long[] columns = [0, .. Enumerable.Range(1, width - 1).Where(_ => random.Next(2) == 0), width];
            var places = (
                from row in Enumerable.Range(0, rows.Length - 1)
                from column in Enumerable.Range(0, columns.Length - 1)
                select (Top: rows[row], Left: columns[column], Bottom: rows[row + 1], Right: columns[column + 1])).ToArray();
            random.Shuffle(places);
            var all = new List<Tensor>();
            using var sink = new RowSink((top, part) =>
            {
                Assert.Equal(all.Sum(other => other.shape[2]), top);
                all.Add(part.clone().DetachFromDisposeScope());
            });

            sink.Begin(1, 2, height, width);
            foreach (var (top, left, bottom, right) in places)
                sink.Write(top, left, map.narrow(2, top, bottom - top).narrow(3, left, right - left));

            Assert.True(Compare.AreEqual(cat([.. all], 2), map));
            all.ForEach(part => part.Dispose());
        },
        iter: 100,
        threads: 1);

    [Fact]
    public void Each_output_goes_to_its_own_sink()
    {
        using var scope = NewDisposeScope();
        using var network = new Two();
        using var streaming = new StreamingNetwork(network, new() { Tile = (20, 20) });
        Tensor[] inputs = [rand(1, 2, 50, 60), rand(1, 1, 25, 30)];
        var expected = streaming.forward(inputs);
        Placed[] sinks = [new(), new()];

        streaming.Run(inputs, sinks);

        foreach (var (sink, output) in sinks.Zip(expected))
            sink.Check(output.detach());
        var failure = Assert.Throws<ArgumentException>(() => streaming.Run(inputs, [new Placed()]));
        Assert.StartsWith("Two has 2 outputs, but 1 sinks were given; give one for each.", failure.Message);
    }

    [Fact]
    public void In_bfloat16_values_have_the_output_s_type()
    {
        using var scope = NewDisposeScope();
        using var trunk = Trunk();
        using var streaming = new StreamingModule(trunk, new() { Tile = (20, 20), Compute = ComputePrecision.BFloat16 });
        var image = rand(1, 2, 50, 60);
        var sink = new Placed();

        streaming.Run(image, sink);

        sink.Check(streaming.forward(image).detach());
    }

    [Fact]
    public void What_a_failing_sink_throws_reaches_the_caller()
    {
        using var trunk = Trunk();
        using var streaming = new StreamingModule(trunk, new() { Tile = (20, 20) });
        using var image = rand(1, 2, 50, 60);
        using var sink = new RowSink((_, _) => throw new IOException("The disk is full."));

        var failure = Assert.Throws<IOException>(() => streaming.Run(image, sink));

        Assert.Equal("The disk is full.", failure.Message);
    }

    private static Module<Tensor, Tensor> Trunk()
    {
        manual_seed(1);
        return Sequential(Conv2d(2, 4, 3, padding: 1), ReLU(), Conv2d(4, 4, 3, stride: 2, padding: 1), ReLU(), Conv2d(4, 3, 3, padding: 1));
    }

    private static void Check(StreamingModule streaming, Tensor image)
    {
        using var scope = NewDisposeScope();
        using (streaming)
        {
            var sink = new Placed();
            streaming.Run(image, sink);
            sink.Check(streaming.forward(image).detach());
        }
    }

    /// <summary>Puts every rectangle into its place, and counts how often each position came.</summary>
    private sealed class Placed : IMapSink
    {
        private Tensor? map;
        private Tensor? times;

        public void Begin(long batch, long channels, long height, long width)
        {
            Assert.Null(map);
            map = zeros(batch, channels, height, width).DetachFromDisposeScope();
            times = zeros(height, width, dtype: ScalarType.Int64).DetachFromDisposeScope();
        }

        public void Write(long top, long left, Tensor values)
        {
            using var scope = NewDisposeScope();
            Assert.False(is_grad_enabled());
            Assert.Equal(map!.dtype, values.dtype);
            map.narrow(2, top, values.shape[2]).narrow(3, left, values.shape[3]).copy_(values);
            times!.narrow(0, top, values.shape[2]).narrow(1, left, values.shape[3]).add_(1);
        }

        public void Check(Tensor expected)
        {
            Assert.True(times!.eq(1).all().item<bool>());
            Assert.True(Compare.AreEqual(map!, expected));
            map!.Dispose();
            times.Dispose();
        }
    }

    private sealed class Two : MultiInputBlock
    {
        private readonly TorchSharp.Modules.Conv2d down = Conv2d(2, 1, 3, stride: 2, padding: 1);
        private readonly TorchSharp.Modules.Conv2d joined = Conv2d(2, 2, 3, padding: 1);

        public Two()
            : base(nameof(Two), inputs: 2) => RegisterComponents();

        public override IReadOnlyList<FeatureMap> Trace(IReadOnlyList<FeatureMap> inputs)
        {
            var map = inputs[0].Through(down);
            return [map, FeatureMap.Concat(map, inputs[1]).Through(joined)];
        }
    }
}
