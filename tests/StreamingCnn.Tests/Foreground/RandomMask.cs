using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Foreground;

/// <summary>Masks as foregrounds are: a few rectangles, single positions, or a part that was scattered.</summary>
internal static class RandomMask
{
    /// <summary>Draws a mask in which every image has a position that counts.</summary>
    /// <param name="random">Where the numbers come from.</param>
    /// <param name="batch">Images.</param>
    /// <param name="height">Height in positions.</param>
    /// <param name="width">Width in positions.</param>
    /// <returns>[N, 1, H, W] of zeros and ones, in float64.</returns>
    public static Tensor Draw(Random random, long batch, long height, long width)
    {
        var mask = zeros(batch, 1, height, width, dtype: ScalarType.Float64);
        for (var image = 0; image < batch; image++)
        {
            for (var part = random.Next(3); part >= 0; part--)
            {
                var (top, left) = (random.NextInt64(height), random.NextInt64(width));
                var isPoint = random.Next(3) == 0;
                var (rows, columns) = isPoint ? (1, 1) : (Length(height - top), Length(width - left));
                var rectangle = mask[image].narrow(1, top, rows).narrow(2, left, columns);
                rectangle.Filled(1);
                if (random.Next(4) == 0)
                    rectangle.bernoulli_(0.3);
                mask[image, 0, top, left].Filled(1);
            }
        }

        return mask;

        long Length(long most) => 1 + random.NextInt64(Math.Max(1, most / (1 + random.Next(4))));
    }
}
