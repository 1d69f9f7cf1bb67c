using StreamingCnn.Graph;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Cli.Tests;

/// <summary>A trunk that takes seconds for an image, as one does for an image of gigapixels.</summary>
public sealed class SlowTrunk : StreamingBlock
{
    // Twice as long, forwards and backwards, is more than the two seconds after which a program is ended by default.
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(2.5);

    private readonly Conv2d convolution;
    private readonly Wait wait = new();

    static SlowTrunk() => LayerRegistry.Register<Wait>(layer => new WindowLayer(layer, layer.forward));

    public SlowTrunk(int channels)
        : base(nameof(SlowTrunk))
    {
        convolution = Conv2d(channels, 4, 3, padding: 1);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input) => input.Through(convolution).Through(wait);

    private sealed class Wait() : Module<Tensor, Tensor>(nameof(Wait))
    {
        public override Tensor forward(Tensor input)
        {
            Thread.Sleep(Duration);
            return input * 1;
        }
    }
}
