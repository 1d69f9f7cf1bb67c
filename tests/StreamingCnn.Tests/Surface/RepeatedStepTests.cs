using StreamingCnn.Execution;
using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>
/// Steps after the first do not plan and lay out tiles again, so that small images take milliseconds; and whatever has changed of the
/// trunk in between is seen.
/// </summary>
public class RepeatedStepTests
{
    [Fact]
    public void A_hundred_steps_plan_once_and_trace_once_each()
    {
        using var scope = NewDisposeScope();
        using var trunk = ModelCatalog.Create("small");
        trunk.eval();
        var traces = 0;
        var streamed = new StreamedTrunk(
            trunk,
            channels =>
            {
                traces++;
                return GraphBuilder.Trace(trunk, channels.Single());
            },
            new() { Tile = (32, 32) });
        var image = rand(1, 3, 96, 96);

        for (var step = 0; step < 100; step++)
        {
            using var inner = NewDisposeScope();
            using var grad = no_grad();
            streamed.Forward([image]);
        }

        Assert.Equal((100, 1, 1), (traces, streamed.Plans.Planned, streamed.Plans.LaidOut));
    }

    /// <summary>Two sizes, with and without a gradient, in turns: four plans, however often.</summary>
    [Fact]
    public void Images_of_a_few_sizes_in_turns_are_planned_once_each()
    {
        using var scope = NewDisposeScope();
        using var trunk = Sequential(Conv2d(3, 4, 3, padding: 1), ReLU(), MaxPool2d(2));
        var streamed = new StreamedTrunk(trunk, channels => GraphBuilder.Trace(trunk, channels.Single()), new() { Tile = (16, 16) });
        for (var round = 0; round < 10; round++)
        {
            foreach (var side in (long[])[40, 50])
            {
                foreach (var wanted in (bool[])[false, true])
                {
                    using var inner = NewDisposeScope();
                    streamed.Forward([rand([1, 3, side, side], requires_grad: wanted)])[0].sum().backward();
                }
            }
        }

        Assert.Equal((4, 4), (streamed.Plans.Planned, streamed.Plans.LaidOut));
    }

    /// <summary>
    /// Settings that modules let one change, layers that are taken out and put in, weights, modes: each step sees the trunk as it is.
    /// </summary>
    [Fact]
    public void What_changes_between_steps_is_seen()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var block = new Changing();
        block.to(ScalarType.Float64);
        block.eval();
        using var streaming = new StreamingModule(block, new() { Tile = (16, 16) });
        var image = rand([1, 3, 45, 38], ScalarType.Float64, requires_grad: true);
        Action[] changes =
        [
            () => { },
            () => block.Window.Dilation = 2,
            () => block.Window.Dilation = 3,
            () => block.Skips = true,
            () => block.Window.Dilation = 1,
            () => block.First.weight!.requires_grad = false,
            () => block.Activation = Softplus(),
            () => block.First.weight!.requires_grad = true,
            () => block.Skips = false,
            () => block.First = Conv2d(3, 4, 5, padding: 2, dtype: ScalarType.Float64),
        ];

        foreach (var (number, change) in changes.Index())
        {
            change();
            for (var twice = 0; twice < 2; twice++)
            {
                var (streamed, whole) = (Step(streaming, image, block), Step(block, image, block));
                Assert.Equal(whole.Length, streamed.Length);
                foreach (var (one, other) in streamed.Zip(whole))
                    Assert.True(Compare.RelativeError(one, other) < 1e-12, $"change {number}");
            }
        }
    }

    private static Tensor[] Step(Module<Tensor, Tensor> module, Tensor image, Changing block)
    {
        block.zero_grad();
        // One that was put in later is not registered.
        block.First.zero_grad();
        image.grad = null;
        var output = module.forward(image);
        output.square().sum().backward();
        return [output, image.grad!.clone(), .. block.First.parameters().Where(one => one.requires_grad).Select(one => one.grad!.clone())];
    }

    /// <summary>A block whose trace hangs on fields of its own.</summary>
    private sealed class Changing : StreamingBlock
    {
        static Changing() => LayerRegistry.Register<Spread>(spread => new WindowLayer(spread, spread.Valid)
        {
            Kernel = (3, 3),
            Dilation = (spread.Dilation, spread.Dilation),
            Padding = (spread.Dilation, spread.Dilation),
        });

        public Changing()
            : base(nameof(Changing)) => RegisterComponents();

        public Conv2d First { get; set; } = Conv2d(3, 4, 3, padding: 1);

        public Spread Window { get; } = new();

        public Module<Tensor, Tensor> Activation { get; set; } = Tanh();

        public bool Skips { get; set; }

        public override FeatureMap Trace(FeatureMap input)
        {
            var first = input.Through(First);
            var map = first.Through(Window).Through(Activation);
            return Skips ? map + first : map;
        }
    }

    /// <summary>The mean of nine values, some distance apart.</summary>
    private sealed class Spread() : Module<Tensor, Tensor>(nameof(Spread))
    {
        public int Dilation { get; set; } = 1;

        public Tensor Valid(Tensor window) => functional.conv2d(
            window, full(window.shape[1], 1, 3, 3, 1.0 / 9, window.dtype), dilation: [Dilation, Dilation], groups: window.shape[1]);

        public override Tensor forward(Tensor input) => Valid(functional.pad(input, [Dilation, Dilation, Dilation, Dilation]));
    }
}
