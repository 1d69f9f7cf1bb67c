using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Boards;

/// <summary>
/// A U-Net of three levels behind a strided convolution, for defects on boards: 32 channels at half of the image's height and width, 64 at
/// a quarter, 128 at an eighth. It has no norm, so that what it makes of a place hangs on what lies around it alone, in training as well,
/// and the whole of it is streamed in one sweep.
/// </summary>
public sealed class BoardTrunk : StreamingBlock
{
    private const int Width = 32;

    private readonly Sequential stem;
    private readonly MaxPool2d pool = MaxPool2d(2, ceil_mode: true);
    private readonly Sequential middle;
    private readonly Sequential deep;
    private readonly ConvTranspose2d toMiddle;
    private readonly Sequential joinMiddle;
    private readonly ConvTranspose2d toFine;
    private readonly Sequential joinFine;

    /// <summary>Creates the trunk with fresh weights.</summary>
    /// <param name="channels">Channels of the image.</param>
    public BoardTrunk(int channels)
        : base(nameof(BoardTrunk))
    {
        stem = Sequential(
            Conv2d(channels, Width, 5, stride: 2, padding: 2), ReLU(), Conv2d(Width, Width, 3, padding: 1), ReLU());
        middle = Twice(Width, 2 * Width);
        deep = Sequential(Twice(2 * Width, 4 * Width), Twice(4 * Width, 4 * Width));
        toMiddle = ConvTranspose2d(4 * Width, 2 * Width, 2, stride: 2);
        joinMiddle = Twice(4 * Width, 2 * Width);
        toFine = ConvTranspose2d(2 * Width, Width, 2, stride: 2);
        joinFine = Twice(2 * Width, Width);
        RegisterComponents();

        // Without a norm the signal has to keep its strength by the weights alone.
        using var grad = no_grad();
        foreach (var convolution in modules().OfType<Conv2d>())
        {
            init.kaiming_normal_(convolution.weight, nonlinearity: init.NonlinearityType.ReLU);
            convolution.bias!.zero_();
        }
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var fine = input.Through(stem);
        var half = fine.Through(pool).Through(middle);
        var map = half.Through(pool).Through(deep);
        map = FeatureMap.Concat(half, map.Through(toMiddle).CroppedTo(half)).Through(joinMiddle);
        return FeatureMap.Concat(fine, map.Through(toFine).CroppedTo(fine)).Through(joinFine);
    }

    private static Sequential Twice(long inputs, long outputs) => Sequential(
        Conv2d(inputs, outputs, 3, padding: 1), ReLU(), Conv2d(outputs, outputs, 3, padding: 1), ReLU());
}
