using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Heads;

/// <summary>A classifier of an image with its foreground looks at that alone, and reads no more than it needs.</summary>
public sealed class ForegroundTests
{
    public static TheoryData<HeadPooling> Poolings => [.. Enum.GetValues<HeadPooling>()];

    [Theory]
    [MemberData(nameof(Poolings))]
    public void Scores_and_gradients_are_those_of_the_masked_map(HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var model = Model(pooling);
        var (pixels, mask) = Image(150, 190);
        using var image = Source(pixels, mask);
        var trunk = model.Trunk;

        var streamed = Step(() => model.forward(image));
        var whole = Step(() =>
        {
            var map = trunk.call(pixels.unsqueeze(0));
            using var covered = new CoveredSource(image.Foreground, map.shape[2], map.shape[3]);
            using var network = new OfForeground(null, model.Head, (values, counted) => [model.Head.Trace(values, counted)]);
            return network.forward([map, covered.Read(0, 0, map.shape[2], map.shape[3]).to(map.dtype)]).Single();
        });

        Assert.All(streamed.Zip(whole), pair => Assert.True(
            (pair.First - pair.Second).abs().max().item<double>() < 1e-12 * Math.Max(1, pair.Second.abs().max().item<double>())));
        Assert.True((streamed[0] - model.forward(pixels.unsqueeze(0))).abs().max().item<double>() > 1e-6);

        Tensor[] Step(Func<Tensor> forward)
        {
            foreach (var parameter in model.parameters())
                parameter.grad = null;
            var scores = forward();
            scores.square().sum().backward();
            return [scores.detach(), .. model.parameters().Select(parameter => parameter.grad!.clone())];
        }
    }

    [Fact]
    public void What_lies_far_from_the_foreground_is_never_read()
    {
        using var scope = NewDisposeScope();
        using var model = Model(HeadPooling.Average);
        var (pixels, mask) = Image(400, 500);
        var read = new List<(long Top, long Left, long Height, long Width)>();
        using var image = new ForegroundSource(
            new CountedReads(pixels, (top, left, height, width) => read.Add((top, left, height, width))), new TensorImageSource(mask));

        model.forward(image).sum().backward();

        // The foreground ends at row 60 and column 90; a tile and the network's reach further all is done.
        Assert.All(read, window => Assert.True(window.Top + window.Height <= 100 && window.Left + window.Width <= 130, $"{window}"));
        Assert.InRange(read.Sum(window => window.Height * window.Width), 1, 6 * 100 * 130);
    }

    [Fact]
    public void Instances_are_picked_of_the_foreground()
    {
        using var scope = NewDisposeScope();
        using var model = Model(HeadPooling.Attention, instances: 3);
        var (pixels, mask) = Image(150, 190);
        using var image = Source(pixels, mask);
        var task = new ClassificationTask(["a", "b"]);

        var judged = model.Judge(task, new("image", 1, _ => image), image, null, new LossOptions { InstanceShare = 0.5 });
        var scores = model.forward(image).softmax(1);

        Assert.Equal(scores[0, 0].item<double>(), judged.Values[0], 1e-12);
        judged.Learned!.backward();
        Assert.All(model.parameters(), parameter => Assert.False(parameter.grad!.isnan().any().item<bool>()));
    }

    private static StreamingClassifier Model(HeadPooling pooling, int instances = 0)
    {
        manual_seed(3);
        var trunk = Sequential(Conv2d(3, 5, 3, stride: 2), ReLU(), Conv2d(5, 6, 3, stride: 2, padding: 1), Tanh());
        var model = new StreamingClassifier(
            trunk, 2, new StreamingOptions { Tile = (32, 32) }, pooling, channels: 6, instances: instances);
        model.to(ScalarType.Float64);
        model.eval();
        return model;
    }

    private static (Tensor Pixels, Tensor Mask) Image(long height, long width)
    {
        var mask = zeros([1, height, width], ScalarType.Byte);
        mask.narrow(1, 33, 27).narrow(2, 41, 49).fill_(1);
        return (randn([3, height, width], ScalarType.Float64), mask);
    }

    private static ForegroundSource Source(Tensor pixels, Tensor mask) =>
        new(new CountedReads(pixels, (_, _, _, _) => { }), new TensorImageSource(mask));

    /// <summary>An image in memory that tells of what is read.</summary>
    private sealed class CountedReads(Tensor pixels, Action<long, long, long, long> tell) : IPreparedImageSource
    {
        public int Channels => (int)pixels.shape[0];

        public long Height => pixels.shape[1];

        public long Width => pixels.shape[2];

        public Tensor Read(long top, long left, long height, long width) => ReadStored(top, left, height, width);

        public Tensor ReadStored(long top, long left, long height, long width)
        {
            tell(top, left, height, width);
            return pixels.unsqueeze(0).narrow(2, top, height).narrow(3, left, width).clone();
        }

        public Tensor Prepare(Tensor stored) => stored.alias();

        public void Dispose()
        {
        }
    }
}
