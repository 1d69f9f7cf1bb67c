using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Blurs each channel by a binomial filter, and keeps every so many positions (Zhang, "Making convolutional networks shift-invariant
/// again", arXiv 1904.11486). The border is mirrored. It has no parameters; <c>filt</c> in published weights is the filter, which follows
/// from its size.
/// </summary>
public sealed class BlurPool : Module<Tensor, Tensor>
{
    /// <summary>Creates the layer.</summary>
    /// <param name="size">Height and width of the filter: 3 for 1, 2, 1 divided by 4 along either axis.</param>
    /// <param name="stride">Distance between the positions that are kept.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    public BlurPool(int size = 3, int stride = 2)
        : base(nameof(BlurPool))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        (Size, Stride) = (size, stride);
        Weights = Binomial(size);
    }

    /// <summary>Height and width of the filter.</summary>
    public int Size { get; }

    /// <summary>Distance between the positions that are kept.</summary>
    public int Stride { get; }

    /// <summary>The filter along one axis.</summary>
    internal IReadOnlyList<double> Weights { get; }

    /// <summary>Positions mirrored in front of the map, and behind it.</summary>
    internal (long Before, long After) Padding => ((Size - 1) / 2, Size / 2);

    /// <summary>Blurs and thins out a map.</summary>
    /// <param name="input">[N, C, H, W]; height and width are above half of the filter's size.</param>
    /// <returns>[N, C, (H - 1) / stride + 1, (W - 1) / stride + 1], rounded down.</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        var (before, after) = Padding;
        var padded = functional.pad(input, [before, after, before, after], PaddingModes.Reflect);
        return Blurred(Blurred(padded, 2), 3).MoveToOuterDisposeScope();
    }

    /// <summary>A map that holds its padding, blurred and thinned out along one dimension.</summary>
    internal Tensor Blurred(Tensor padded, int dimension)
    {
        var end = padded.shape[dimension] - Size + 1;
        Tensor? sum = null;
        for (var tap = 0; tap < Size; tap++)
        {
            using var weighted = padded.slice(dimension, tap, end + tap, Stride).Times(Weights[tap]);
            using var before = sum;
            sum = before is null ? weighted.alias() : before.Plus(weighted);
        }

        return sum!;
    }

    private static double[] Binomial(int size)
    {
        var weights = new double[size];
        weights[0] = 1;
        for (var row = 1; row < size; row++)
        {
            for (var i = row; i > 0; i--)
                weights[i] = (weights[i] + weights[i - 1]) / 2;
            weights[0] /= 2;
        }

        return weights;
    }
}
