#:project ../src/StreamingCnn/StreamingCnn.csproj

// A block and a layer of your own. A StreamingBlock says once what it computes, as a graph of feature maps, and then runs whole or streamed; a leaf layer
// that the engine does not know is taught by LayerRegistry. Nothing else is needed for exact gradients of all parameters, the layer's own included.
//
//     dotnet run examples/own-block.cs

using StreamingCnn;
using StreamingCnn.Graph;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

LayerRegistry.Register<Snake>(layer => new PointwiseLayer(layer));

random.manual_seed(1);
using var trunk = Sequential(Conv2d(3, 16, 3, stride: 2, padding: 1), new GatedResidual(16), MaxPool2d(2), new GatedResidual(16)).to(ScalarType.Float64);
using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (64, 80) });

using var scope = NewDisposeScope();
var image = randn(1, 3, 301, 407, dtype: ScalarType.Float64);
var expected = trunk.forward(image);
expected.square().mean().backward();
var gradients = trunk.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
trunk.zero_grad();
var actual = streaming.forward(image);
actual.square().mean().backward();

Console.WriteLine($"output          {Difference(actual, expected):0.0e+0}");
var worst = 0.0;
foreach (var (name, parameter) in trunk.named_parameters())
{
    var difference = Difference(parameter.grad!, gradients[name]);
    worst = Math.Max(worst, difference);
    Console.WriteLine($"{name,-15} {difference:0.0e+0}");
}

Console.WriteLine(worst < 1e-12 ? "Streamed in tiles of 64 x 80 px, every gradient is that of the whole image." : "The gradients differ.");
return worst < 1e-12 ? 0 : 1;

static double Difference(Tensor actual, Tensor expected) => ((actual - expected).abs().max() / expected.abs().max()).item<double>();

/// <summary>x + gate(x) * branch(x), the gate being computed at half the branch's depth.</summary>
internal sealed class GatedResidual : StreamingBlock
{
    private readonly Conv2d conv;
    private readonly Conv2d gate;
    private readonly Snake snake = new();
    private readonly Sigmoid sigmoid = Sigmoid();

    public GatedResidual(long channels)
        : base(nameof(GatedResidual))
    {
        conv = Conv2d(channels, channels, 3, padding: 2, dilation: 2);
        gate = Conv2d(channels, channels, 1);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input) => input + (input.Through(conv).Through(snake) * input.Through(gate).Through(sigmoid));
}

/// <summary>x + sin(ax)^2 / a with a trained a (Ziyin, Hartwig and Ueda, 2020).</summary>
internal sealed class Snake : Module<Tensor, Tensor>
{
    private readonly Parameter a = Parameter(ones(1));

    public Snake()
        : base(nameof(Snake)) => RegisterComponents();

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return (input + ((a * input).sin().square() / a)).MoveToOuterDisposeScope();
    }
}
