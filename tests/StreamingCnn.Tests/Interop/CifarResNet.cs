using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Interop;

/// <summary>
/// ResNet-20 for images of 32 x 32 pixels (He et al., "Deep residual learning", section 4.2), with the names of the published weights.
/// </summary>
internal sealed class CifarResNet : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1 = Conv2d(3, 16, 3, padding: 1, bias: false);
    private readonly BatchNorm2d bn1 = BatchNorm2d(16);
    private readonly Sequential layer1 = Stage(16, 16);
    private readonly Sequential layer2 = Stage(16, 32);
    private readonly Sequential layer3 = Stage(32, 64);
    private readonly Linear linear = Linear(64, 10);

    public CifarResNet()
        : base(nameof(CifarResNet))
    {
        RegisterComponents();
        eval();
    }

    /// <summary>All but the head.</summary>
    public Sequential Trunk =>
        Sequential(("conv1", conv1), ("bn1", bn1), ("relu", ReLU()), ("layer1", layer1), ("layer2", layer2), ("layer3", layer3));

    public override Tensor forward(Tensor input) => Head(Trunk.forward(input));

    public Tensor Head(Tensor features) => linear.forward(features.mean([2, 3]));

    private static Sequential Stage(int inputs, int outputs) =>
        Sequential(
            Enumerable.Range(0, 3).Select(i => ($"{i}", (Module<Tensor, Tensor>)new Block(i == 0 ? inputs : outputs, outputs))).ToArray());

    private sealed class Block : StreamingBlock
    {
        private readonly Conv2d conv1;
        private readonly BatchNorm2d bn1;
        private readonly Conv2d conv2;
        private readonly BatchNorm2d bn2;

        // In an array, so that it is not looked for in the file: every second pixel, between channels of zeros.
        private readonly Conv2d[] shortcut = [];

        public Block(int inputs, int outputs)
            : base("block")
        {
            var stride = outputs / inputs;
            (conv1, bn1) = (Conv2d(inputs, outputs, 3, stride: stride, padding: 1, bias: false), BatchNorm2d(outputs));
            (conv2, bn2) = (Conv2d(outputs, outputs, 3, padding: 1, bias: false), BatchNorm2d(outputs));
            if (stride > 1)
            {
                shortcut = [Conv2d(inputs, outputs, 1, stride: stride, bias: false)];
                using var _ = no_grad();
                shortcut[0].weight.zero_().narrow(0, (outputs - inputs) / 2, inputs).copy_(eye(inputs).reshape(inputs, inputs, 1, 1));
                shortcut[0].weight.requires_grad_(false);
            }

            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input)
        {
            var straight = input.Through(conv1).Through(bn1).Through(ReLU()).Through(conv2).Through(bn2);
            return (straight + shortcut.Aggregate(input, (map, layer) => map.Through(layer))).Through(ReLU());
        }
    }
}
