using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>A U-Net of two levels and few channels, for images of one size, which may be odd.</summary>
internal sealed class SmallUNet : StreamingBlock
{
    private readonly Sequential first;
    private readonly Sequential second;
    private readonly Sequential bottom;
    private readonly Sequential left;
    private readonly Sequential right;
    private readonly Conv2d classifier = Conv2d(4, LossCase.Classes, 1);
    private readonly MaxPool2d pool = MaxPool2d(2);
    private readonly Upsample toHalf;
    private readonly Upsample toWhole;

    public SmallUNet(Func<long, Module<Tensor, Tensor>> norm, long height, long width)
        : base(nameof(SmallUNet))
    {
        (first, second, bottom) = (Block(2, 4), Block(4, 6), Block(6, 8));
        (left, right) = (Block(6 + 8, 6), Block(4 + 6, 4));
        toHalf = Upsample([height / 2, width / 2], mode: UpsampleMode.Nearest);
        toWhole = Upsample([height, width], mode: UpsampleMode.Bilinear, align_corners: false);
        RegisterComponents();

        Sequential Block(long inputs, long outputs) =>
            Sequential(Conv2d(inputs, outputs, 3, padding: 1, bias: false), norm(outputs), LeakyReLU(0.1));
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var top = input.Through(first);
        var middle = top.Through(pool).Through(second);
        var deep = middle.Through(pool).Through(bottom).Through(toHalf);
        var enlarged = FeatureMap.Concat(middle, deep).Through(left).Through(toWhole);
        return FeatureMap.Concat(top, enlarged).Through(right).Through(classifier);
    }
}

/// <summary>A DeepLabV3 of few channels: a pyramid of dilated convolutions with the whole map's mean, projected.</summary>
internal sealed class SmallDeepLab : StreamingBlock
{
    private readonly Sequential stem = Sequential(Conv2d(2, 6, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(6), ReLU());
    private readonly ModuleList<Sequential> branches;
    private readonly Conv2d pooled = Conv2d(6, 4, 1);
    private readonly Sequential project = Sequential(
        Conv2d(20, 5, 1, bias: false), BatchNorm2d(5), ReLU(), Conv2d(5, LossCase.Classes, 1));

    private readonly Upsample enlarge;

    public SmallDeepLab(long height, long width)
        : base(nameof(SmallDeepLab))
    {
        branches = ModuleList(Branch(1, 1), Branch(3, 2), Branch(3, 4), Branch(3, 6));
        enlarge = Upsample([height, width], mode: UpsampleMode.Bilinear, align_corners: false);
        RegisterComponents();

        static Sequential Branch(long kernel, long dilation) => Sequential(
            Conv2d(6, 4, kernel, padding: kernel == 1 ? 0 : dilation, dilation: dilation, bias: false), BatchNorm2d(4), ReLU());
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var map = input.Through(stem);
        var mean = map.Pooled(AdaptiveAvgPool2d(1)).Through(pooled).Apply(small => small.relu());
        return FeatureMap.Concat([.. branches.Select(map.Through), map.Filled(mean, 4)]).Through(project).Through(enlarge);
    }
}
