using System.Runtime.InteropServices;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>
/// Several threads may run one trunk forwards and backwards at once, as with ordinary autograd: their gradients add up,
/// and each failure stays with its own run.
/// </summary>
public class ThreadTests
{
    private const int Threads = 4;
    private const int Steps = 12;

    public static TheoryData<string> Sharing =>
        new() { "one module", "a module for each thread", "streamed and whole", "a pyramid", "overlapping tiles" };

    [Theory]
    [MemberData(nameof(Sharing))]
    public void Gradients_of_all_threads_add_up(string sharing)
    {
        manual_seed(21);
        using var trunk = new Net();
        trunk.to(ScalarType.Float64);
        using var pyramid = new Tops(trunk);
        using var opaque = new Opaque(trunk);
        var options = new StreamingOptions { Tile = (16, 16) };
        Tensor[] images = [.. Enumerable.Range(0, Threads * Steps).Select(_ => randn(1, 3, 37, 41, dtype: ScalarType.Float64))];
        foreach (var image in images)
        {
            using var scope = NewDisposeScope();
            Loss(trunk.forward(image)).backward();
        }

        Tensor[] expected = [.. trunk.parameters().Select(parameter => parameter.grad!.clone())];
        trunk.zero_grad();
        using var streaming = new StreamingModule(trunk, options);
        using var tops = new StreamingPyramid(pyramid, options);
        var overlapping = new StreamingOptions { Mode = StreamingMode.Overlap, Tile = (16, 16) };
        using var windows = new StreamingModule(opaque, overlapping);
        Func<int, Func<Tensor, Tensor>> run = sharing switch
        {
            "one module" => _ => streaming.forward,
            "a module for each thread" => _ => new StreamingModule(trunk, options).forward,
            "streamed and whole" => thread => thread % 2 == 0 ? streaming.forward : trunk.forward,
            "a pyramid" => _ => image => tops.forward(image)[0],
            _ => _ => windows.forward,
        };

        InParallel(thread =>
        {
            var forward = run(thread);
            for (var step = 0; step < Steps; step++)
            {
                using var scope = NewDisposeScope();
                Loss(forward(images[(thread * Steps) + step])).backward();
            }
        });

        foreach (var (parameter, gradient) in trunk.parameters().Zip(expected))
            Assert.True(Compare.RelativeError(parameter.grad!, gradient) < 1e-11);
    }

    /// <summary>Set STREAMINGCNN_CASES for more passes than CI has time for.</summary>
    [Fact]
    public void Two_threads_lose_nothing_over_many_passes()
    {
        const int Together = 2, Distinct = 8;
        var passes = Cases.Or(60) / Together;
        manual_seed(26);
        using var trunk = new Net();
        trunk.to(ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        Tensor[] images = [.. Enumerable.Range(0, Distinct).Select(_ => randn(1, 3, 23, 27, dtype: ScalarType.Float64))];
        for (var pass = 0; pass < Together * passes; pass++)
        {
            using var scope = NewDisposeScope();
            Loss(trunk.forward(images[pass % Distinct])).backward();
        }

        Tensor[] expected = [.. trunk.parameters().Select(parameter => parameter.grad!.clone())];
        trunk.zero_grad();
        InParallel(
            thread =>
            {
                for (var pass = thread; pass < Together * passes; pass += Together)
                {
                    using var scope = NewDisposeScope();
                    Loss(streaming.forward(images[pass % Distinct])).backward();
                }
            },
            Together);

        foreach (var (parameter, gradient) in trunk.parameters().Zip(expected))
            Assert.InRange(Compare.RelativeError(parameter.grad!, gradient), 0, ExactnessLaw.Tolerance);
    }

    [Fact]
    public void A_forward_pass_leaves_room_for_another_thread_s_backward_pass_in_between()
    {
        manual_seed(22);
        using var trunk = new Net();
        trunk.to(ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        Tensor[] images = [.. Enumerable.Range(0, 3).Select(_ => randn(1, 3, 37, 41, dtype: ScalarType.Float64))];
        foreach (var image in images)
            Loss(trunk.forward(image)).backward();
        Tensor[] expected = [.. trunk.parameters().Select(parameter => parameter.grad!.clone())];
        trunk.zero_grad();

        Tensor[] losses = [.. images.Select(image => Loss(streaming.forward(image)))];
        InParallel(thread => losses[thread].backward(), losses.Length);

        foreach (var (parameter, gradient) in trunk.parameters().Zip(expected))
            Assert.True(Compare.RelativeError(parameter.grad!, gradient) < 1e-11);
    }

    [Fact]
    public void Gradients_asked_for_in_one_thread_do_not_touch_those_of_another()
    {
        manual_seed(23);
        using var trunk = new Net();
        trunk.to(ScalarType.Float64);
        using var image = randn(1, 3, 37, 41, dtype: ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        var parameters = trunk.parameters().ToArray();
        Loss(trunk.forward(image)).backward();
        Tensor[] expected = [.. parameters.Select(parameter => parameter.grad!.clone())];

        InParallel(thread =>
        {
            for (var step = 0; step < Steps; step++)
            {
                using var scope = NewDisposeScope();
                var found = autograd.grad([Loss(streaming.forward(image))], parameters);
                foreach (var (one, gradient) in found.Zip(expected))
                    Assert.True(Compare.RelativeError(one, gradient) < 1e-11);
            }
        });

        foreach (var (parameter, gradient) in parameters.Zip(expected))
            Assert.True(Compare.AreEqual(parameter.grad!, gradient));
    }

    [Fact]
    public void Each_failing_thread_gets_its_own_sentence_and_the_others_their_gradients()
    {
        manual_seed(24);
        using var trunk = new Net();
        trunk.to(ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        using var image = randn(1, 3, 37, 41, dtype: ScalarType.Float64);
        Loss(trunk.forward(image)).backward();
        Tensor[] expected = [.. trunk.parameters().Select(parameter => parameter.grad!.clone())];
        trunk.zero_grad();

        InParallel(thread =>
        {
            for (var step = 0; step < Steps; step++)
            {
                using var scope = NewDisposeScope();
                if (thread == 3)
                {
                    Loss(streaming.forward(image)).backward();
                    continue;
                }

                var sentence = $"Disk {thread} was unplugged at step {step}.";
                var source = new Unplugged(image, sentence);
                var loss = Loss(streaming.forward(source));
                source.IsUnplugged = true;
                Assert.Equal(sentence, Assert.Throws<ExternalException>(() => loss.backward()).Message);
            }
        });

        foreach (var (parameter, gradient) in trunk.parameters().Zip(expected))
            Assert.True(Compare.RelativeError(parameter.grad!, gradient.Times(Steps)) < 1e-11);
    }

    [Fact]
    public void A_streamed_module_runs_within_the_backward_pass_of_another()
    {
        manual_seed(25);
        using var trunk = new Net();
        trunk.to(ScalarType.Float64);
        using var image = randn(1, 3, 37, 41, dtype: ScalarType.Float64);
        var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        Loss(trunk.forward(image)).backward();
        Tensor[] expected = [.. trunk.parameters().Select(parameter => parameter.grad!.clone())];
        trunk.zero_grad();

        // One step within the backward pass of the other: both count.
        var nested = new Nested(image, () => Loss(streaming.forward(image)).backward());
        Loss(streaming.forward(nested)).backward();

        foreach (var (parameter, gradient) in trunk.parameters().Zip(expected))
            Assert.True(Compare.RelativeError(parameter.grad!, gradient.Times(2L)) < 1e-11);
    }

    private static Tensor Loss(Tensor output) => output.Squared().mean();

    private static void InParallel(Action<int> work, int threads = Threads)
    {
        var failures = new Exception?[threads];
        using var start = new Barrier(threads);
        Thread[] running = [.. Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                work(thread);
            }
            catch (Exception failure)
            {
                failures[thread] = failure;
            }
        }))];
        foreach (var one in running)
            one.Start();
        foreach (var one in running)
            Assert.True(one.Join(TimeSpan.FromMinutes(2 + (Cases.Or(0) / 100))), "A thread waits for ever.");
        Assert.All(failures, failure => Assert.Null(failure));
    }

    /// <summary>
    /// Layers with a backward pass of their own, such as are left to autograd, folded norms, and a layer that stands
    /// twice.
    /// </summary>
    private sealed class Net : StreamingBlock
    {
        private readonly TorchSharp.Modules.Conv2d first = Conv2d(3, 6, 3, padding: 1);
        private readonly TorchSharp.Modules.BatchNorm2d norm = BatchNorm2d(6);
        private readonly TorchSharp.Modules.Conv2d mirrored = Conv2d(6, 6, 3, padding: 1, padding_mode: PaddingModes.Reflect);
        private readonly ChannelLayerNorm normalised = new(6);
        private readonly TorchSharp.Modules.PReLU slope = PReLU(6);
        private readonly TorchSharp.Modules.MaxPool2d pool = MaxPool2d(2);
        private readonly TorchSharp.Modules.Linear mixed = Linear(6, 6);

        public Net()
            : base(nameof(Net))
        {
            RegisterComponents();
            eval();
        }

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(first).Through(norm).Through(slope);
            map = map.Through(mirrored).Through(normalised).Through(slope) + map;
            return map.Through(pool).Through(mixed).Through(mixed);
        }
    }

    private sealed class Tops : MultiOutputBlock
    {
        private readonly Net net;

        public Tops(Net net)
            : base(nameof(Tops))
        {
            this.net = net;
            RegisterComponents();
        }

        public override IReadOnlyList<FeatureMap> Trace(FeatureMap input) => [input.Through(net), input.Through(net).Slice(0, 1)];
    }

    private sealed class Opaque : Module<Tensor, Tensor>
    {
        private readonly Net net;

        public Opaque(Net net)
            : base(nameof(Opaque))
        {
            this.net = net;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => net.forward(input);
    }

    private sealed class Nested(Tensor image, Action read) : IImageSource
    {
        private int reads;

        public int Channels => 3;

        public long Height => image.shape[2];

        public long Width => image.shape[3];

        public Tensor Read(long top, long left, long height, long width)
        {
            // The first window of the backward pass, after those of the forward pass.
            if (++reads == 10)
            {
                using (enable_grad())
                    read();
            }

            return image.narrow(2, top, height).narrow(3, left, width);
        }

        public void Dispose()
        {
        }
    }

    private sealed class Unplugged(Tensor image, string sentence) : IImageSource
    {
        public bool IsUnplugged { get; set; }

        public int Channels => 3;

        public long Height => image.shape[2];

        public long Width => image.shape[3];

        public Tensor Read(long top, long left, long height, long width) =>
            IsUnplugged ? throw new IOException(sentence) : image.narrow(2, top, height).narrow(3, left, width);

        public void Dispose()
        {
        }
    }
}
