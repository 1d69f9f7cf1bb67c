using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Threads;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Split;

/// <summary>Batch norms of several ranks that take the statistics of all ranks' images, as of one batch.</summary>
public sealed class SyncBatchNormTests
{
    private const double Rounding = 1e-12;

    /// <summary>An ordinary run of all images in one batch has the same outputs, gradients and running statistics.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 2, 1, 1)]
    public void Ranks_have_what_one_batch_has(params int[] images)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var whole = Network();
        using var batch = rand([images.Sum(), 3, 37, 45], ScalarType.Float64, CPU, requires_grad: true);
        using var weights = rand([images.Sum(), 5, 19, 23], ScalarType.Float64, CPU);
        var expected = whole.forward(batch);
        (expected * weights).sum().backward();

        Module<Tensor, Tensor>[] networks = [.. images.Select(_ => Network())];
        foreach (var network in networks)
            network.load_state_dict(BeforeTraining(whole));
        Tensor[] own = [.. images.Select((count, rank) => Of(batch, images, rank).detach().clone().requires_grad_(true))];
        ThreadRanks.Run(images.Length, ranks =>
        {
            using var inner = NewDisposeScope();
            var streaming = new StreamingModule(networks[ranks.Rank], new() { Tile = (16, 20), SyncBatchNormOver = ranks });
            var output = streaming.forward(own[ranks.Rank]);
            Near(Of(expected, images, ranks.Rank), output);
            (output * Of(weights, images, ranks.Rank)).sum().backward();
        });

        foreach (var (rank, image) in own.Index())
            Near(Of(batch.grad!, images, rank), image.grad!);
        foreach (var (name, parameter) in whole.named_parameters())
        {
            var sum = networks.Select(network => network.get_parameter(name)!.grad!).Aggregate((one, other) => one + other);
            Near(parameter.grad!, sum);
        }

        foreach (var network in networks)
        {
            foreach (var ((_, one), (_, other)) in whole.named_buffers().Zip(network.named_buffers()))
                Near(one, other);
        }
    }

    /// <summary>Positions of all images count alike, so that a larger image counts for more.</summary>
    [Fact]
    public void Images_may_be_of_different_sizes()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        (long Height, long Width)[] sizes = [(40, 52), (31, 27), (16, 16)];
        using var norm = (BatchNorm2d)BatchNorm2d(3).to(ScalarType.Float64);
        init.uniform_(norm.weight);
        init.uniform_(norm.bias);
        Tensor[] images = [.. sizes.Select(size => rand([1, 3, size.Height, size.Width], ScalarType.Float64, CPU, requires_grad: true))];
        // Places in one row are all that a batch norm sees.
        var row = cat([.. images.Select(image => image.flatten(2))], 2).unsqueeze(2);
        var expected = norm.forward(row.tanh());
        expected.pow(tensor(3, ScalarType.Int64, CPU)).sum().backward();

        BatchNorm2d[] norms = [.. sizes.Select(_ => (BatchNorm2d)BatchNorm2d(3).to(ScalarType.Float64))];
        foreach (var one in norms)
        {
            one.weight = new Parameter(norm.weight!.detach().clone());
            one.bias = new Parameter(norm.bias!.detach().clone());
        }

        Tensor[] own = [.. images.Select(image => image.detach().clone().requires_grad_(true))];
        ThreadRanks.Run(sizes.Length, ranks =>
        {
            using var inner = NewDisposeScope();
            var streaming = new StreamingModule(
                Sequential(Tanh(), norms[ranks.Rank]), new() { Tile = (12, 9), SyncBatchNormOver = ranks });
            streaming.forward(own[ranks.Rank]).pow(tensor(3, ScalarType.Int64, CPU)).sum().backward();
        });

        foreach (var (one, other) in images.Zip(own))
            Near(one.grad!, other.grad!);
        Near(norm.weight.grad!, norms.Select(one => one.weight.grad!).Aggregate((one, other) => one + other));
        foreach (var one in norms)
        {
            Near(norm.running_mean!, one.running_mean!);
            Near(norm.running_var!, one.running_var!);
        }
    }

    [Fact]
    public void First_ranks_talk_to_each_other_alone()
    {
        ThreadRanks.Run(4, ranks =>
        {
            using var first = new FirstRanks(ranks);
            foreach (var count in new[] { 3, 4, 1, 3 })
            {
                first.Take(count);
                Span<double> sum = [1];
                first.Sum(sum);
                Assert.Equal(ranks.Rank < count ? count : 4 - count, sum[0]);
                Assert.Equal((sum[0], 4), (first.Size, first.Total));
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => first.Take(5));
        });
    }

    [Fact]
    public void Images_are_shared_or_each_one_s_own()
    {
        ThreadRanks.Run(2, ranks =>
        {
            var refusal = Assert.Throws<ArgumentException>(() =>
                new StreamingModule(Conv2d(3, 3, 3), new() { SplitOver = ranks, SyncBatchNormOver = ranks }));
            Assert.Contains("leave one of them null", refusal.Message, StringComparison.Ordinal);
        });
    }

    private static Sequential Network()
    {
        var network = Sequential(
            ("one", Conv2d(3, 6, 3, padding: 1, bias: false)),
            ("norm", BatchNorm2d(6)),
            ("act", ReLU()),
            ("two", Conv2d(6, 5, 3, stride: 2, padding: 1, bias: false)),
            ("last", BatchNorm2d(5, momentum: 0.3)));
        network.to(ScalarType.Float64);
        return network;
    }

    /// <summary>Weights, with the running statistics of a network that has not run.</summary>
    private static Dictionary<string, Tensor> BeforeTraining(Module network)
    {
        using var fresh = Network();
        var untouched = fresh.named_buffers().ToDictionary(buffer => buffer.name, buffer => buffer.buffer.clone());
        return network.state_dict().ToDictionary(
            entry => entry.Key, entry => untouched.GetValueOrDefault(entry.Key, entry.Value.detach().clone()));
    }

    private static Tensor Of(Tensor batch, int[] images, int rank) => batch.narrow(0, images.Take(rank).Sum(), images[rank]);

    private static void Near(Tensor expected, Tensor actual) => Assert.InRange(Compare.RelativeError(actual, expected), 0, Rounding);
}
