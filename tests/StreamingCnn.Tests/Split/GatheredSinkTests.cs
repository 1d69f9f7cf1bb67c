using StreamingCnn.Distributed.Threads;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Split;

/// <summary>
/// What one process hands out of an image, maps and rows of its gradient, is what several that share the image have together.
/// </summary>
public sealed class GatheredSinkTests
{
    private const double Tolerance = 1e-12;

    /// <summary>
    /// Networks whose maps are smaller than the image, and enlarged again, and that look at whole maps; and more ranks than columns of
    /// tiles.
    /// </summary>
    public static TheoryData<string, int, int, int> Cases => new()
    {
        { "local", 2, 16, 100 }, { "local", 3, 24, 157 }, { "local", 4, 40, 131 }, { "local", 4, 64, 70 },
        { "enlarging", 2, 16, 96 }, { "enlarging", 3, 24, 160 },
        { "gated", 2, 16, 100 }, { "gated", 3, 24, 157 }, { "gated", 4, 64, 70 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rank_0_gets_the_map_as_one_process_hands_it_out(string kind, int ranks, int tile, int width)
    {
        var networks = Networks(kind, ranks + 1);
        var image = rand(2, 3, 80, width, ScalarType.Float64);
        using var grad = no_grad();
        var expected = networks[^1].forward(image);

        var places = new List<(long Top, long Left)>();
        Tensor? found = null;
        long filled = 0;
        ThreadRanks.Run(ranks, communicator =>
        {
            var streaming = new StreamingModule(networks[communicator.Rank], new() { Tile = (tile, tile), SplitOver = communicator });
            using var rows = new RowSink((top, part) =>
            {
                found ??= zeros_like(expected).DetachFromDisposeScope();
                Assert.Equal(filled, top);
                filled += part.shape[2];
                found.narrow(2, top, part.shape[2]).copy_(part);
            });
            var watched = new WatchedSink(rows, places);
            using var gathered = new GatheredSink(communicator, communicator.Rank == 0 ? watched : null);
            streaming.Run(image, gathered);
            gathered.Complete();
        });

        Assert.Equal(expected.shape[2], filled);
        Assert.True(Compare.RelativeError(found!, expected) < Tolerance);
        Assert.Equal(places.Order(), places);
        Assert.True(places.Count > 1);
    }

    [Fact]
    public void Temporary_files_go_and_their_folder_is_named_where_they_cannot_be_made()
    {
        using var folder = new TemporaryFolder();
        var networks = Networks("local", 2);
        var image = rand(1, 3, 40, 64, ScalarType.Float64);
        ThreadRanks.Run(2, ranks =>
        {
            var streaming = new StreamingModule(networks[ranks.Rank], new() { Tile = (16, 16), SplitOver = ranks });
            using var gathered = new GatheredSink(ranks, new WatchedSink(null, []), folder.Path);
            streaming.Run(image, gathered);
            gathered.Complete();
        });
        Assert.Empty(Directory.GetFiles(folder.Path));

        var blocked = folder.File("file");
        File.WriteAllText(blocked, "");
        var failure = Assert.Throws<IOException>(() => ThreadRanks.Run(2, ranks =>
        {
            var streaming = new StreamingModule(networks[ranks.Rank], new() { Tile = (16, 16), SplitOver = ranks });
            using var gathered = new GatheredSink(ranks, new WatchedSink(null, []), blocked);
            streaming.Run(image, gathered);
        }));
        Assert.Contains($"The stripe of the map cannot be kept in the folder '{blocked}'", failure.Message);
    }

    [Fact]
    public void Rank_0_has_a_sink() => ThreadRanks.Run(2, ranks =>
    {
        if (ranks.Rank == 0)
            Assert.Throws<ArgumentNullException>(() => new GatheredSink(ranks, null));
        else
            new GatheredSink(ranks, null).Dispose();
    });

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rows_of_the_image_s_gradient_are_parts_of_their_sum(string kind, int ranks, int tile, int width)
    {
        var networks = Networks(kind, ranks + 1);
        var image = rand(1, 3, 80, width, ScalarType.Float64);
        var whole = image.clone().requires_grad_();
        Weighted(networks[^1].forward(whole)).backward();

        Tensor[] parts = [.. Enumerable.Range(0, ranks).Select(_ => zeros_like(image))];
        var next = Enumerable.Repeat(image.shape[2], ranks).ToArray();
        ThreadRanks.Run(ranks, communicator =>
        {
            var rank = communicator.Rank;
            var streaming = new StreamingModule(networks[rank], new() { Tile = (tile, tile), SplitOver = communicator });
            using var source = new Surface.MemorySource(image);
            Weighted(streaming.forward(source, (top, rows) =>
            {
                next[rank] -= rows.shape[2];
                Assert.Equal(next[rank], top);
                parts[rank].narrow(2, top, rows.shape[2]).copy_(rows);
            })).backward();
        });

        Assert.True(Compare.RelativeError(parts.Aggregate((one, other) => one + other), whole.grad!) < Tolerance);
        // A part: its own stripe, and what its tiles read beside it.
        Assert.True(ranks == 1 || parts.Any(part => part.eq(0).all(2).all(1).any().item<bool>()));
    }

    private static Tensor Weighted(Tensor output) =>
        (output * arange(output.numel(), ScalarType.Float64).mul(0.7391).sin().reshape(output.shape)).sum();

    private static Module<Tensor, Tensor>[] Networks(string kind, int count)
    {
        manual_seed(21);
        Module<Tensor, Tensor>[] networks = [.. Enumerable.Range(0, count).Select(_ => Network(kind))];
        foreach (var network in networks[1..])
            network.load_state_dict(networks[0].state_dict());
        return networks;
    }

    private static Module<Tensor, Tensor> Network(string kind) => kind switch
    {
        "local" => Sequential(
            Conv2d(3, 4, 5, padding: 2), ReLU(), MaxPool2d(3, 2, 1), Conv2d(4, 2, 3, padding: 1)).@double(),
        "enlarging" => Sequential(
            Conv2d(3, 4, 3, 2, 1), ReLU(), Upsample(scale_factor: [2, 2]), Conv2d(4, 3, 3, padding: 1)).@double(),
        _ => Sequential(
            Conv2d(3, 6, 3, padding: 1, bias: false), BatchNorm2d(6), SiLU(), new SqueezeExcite(6, 2),
            Conv2d(6, 3, 3, padding: 1)).@double(),
    };

    private sealed class WatchedSink(IMapSink? next, List<(long Top, long Left)> places) : IMapSink
    {
        public void Begin(long batch, long channels, long height, long width) => next?.Begin(batch, channels, height, width);

        public void Write(long top, long left, Tensor values)
        {
            places.Add((top, left));
            next?.Write(top, left, values);
        }
    }
}
