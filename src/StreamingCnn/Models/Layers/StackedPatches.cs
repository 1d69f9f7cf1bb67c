using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Stacks each square of 2 x 2 positions along channels, in the order of the Swin Transformer: upper left, lower left, upper right, lower
/// right. An odd height or width is padded with a row or column of zeros. Unlike <c>PixelUnshuffle</c>, which keeps what comes of a channel
/// together, it keeps together what comes of a position.
/// </summary>
public sealed class StackedPatches() : Module<Tensor, Tensor>(nameof(StackedPatches))
{
    /// <summary>Stacks positions.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, 4C, H / 2, W / 2], rounded up.</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        var padded = functional.pad(input, [0, input.shape[3] % 2, 0, input.shape[2] % 2]);
        return cat([Every(0, 0), Every(1, 0), Every(0, 1), Every(1, 1)], 1).MoveToOuterDisposeScope();

        Tensor Every(long row, long column) => padded.slice(2, row, padded.shape[2], 2).slice(3, column, padded.shape[3], 2);
    }
}
