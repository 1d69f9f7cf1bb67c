using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Demo;

/// <summary>
/// A needle in a haystack: cloudy grey noise with a few small bright square outlines, and in every second image one cross of the same size in a warmer
/// colour. Whoever shrinks the image loses the difference.
/// </summary>
internal sealed class NeedleImage : IImageSource
{
    private const int Distractors = 4;
    private const int Mark = 9;
    private readonly Tensor pixels;

    /// <param name="seed">Decides everything about the image.</param>
    /// <param name="hasNeedle">Whether there is a cross.</param>
    /// <param name="side">Height and width in pixels.</param>
    public NeedleImage(int seed, bool hasNeedle, int side)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator((ulong)seed);
        var random = new Random(seed);
        var clouds = nn.functional.interpolate(rand([1, 1, 8, 8], generator: generator), [side, side], mode: InterpolationMode.Bilinear, align_corners: false);
        var image = clouds * 90 + rand([1, 3, side, side], generator: generator) * 60;
        for (var i = 0; i < Distractors; i++)
            Draw(isCross: false);
        if (hasNeedle)
            Draw(isCross: true);
        pixels = image.clamp(0, 255).to(ScalarType.Byte).DetachFromDisposeScope();

        void Draw(bool isCross)
        {
            int top = random.Next(side - Mark), left = random.Next(side - Mark);
            for (var i = 0; i < Mark; i++)
            {
                for (var j = 0; j < Mark; j++)
                {
                    var isSet = isCross
                        ? Math.Abs(i - Mark / 2) <= 0 || Math.Abs(j - Mark / 2) <= 0 || i == j
                        : i is 0 or Mark - 1 || j is 0 or Mark - 1;
                    if (isSet)
                        image.narrow(2, top + i, 1).narrow(3, left + j, 1).fill_(235);
                    if (isSet && isCross)
                        image.narrow(1, 1, 2).narrow(2, top + i, 1).narrow(3, left + j, 1).fill_(120);
                }
            }
        }
    }

    public int Channels => 3;

    public long Height => pixels.shape[2];

    public long Width => pixels.shape[3];

    public Tensor Read(long top, long left, long height, long width) => pixels.narrow(2, top, height).narrow(3, left, width).clone();

    public void Dispose() => pixels.Dispose();
}
