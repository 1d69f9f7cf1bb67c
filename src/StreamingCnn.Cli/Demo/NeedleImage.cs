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
    private const int Mark = 21;
    private const int Stroke = 5;
    private const int Centre = (Mark - Stroke) / 2;
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
            // Both marks have strokes of the same width; the needle's colour is warmer.
            (int Top, int Left, int Height, int Width)[] strokes = isCross
                ? [(Centre, 0, Stroke, Mark), (0, Centre, Mark, Stroke)]
                : [(0, 0, Stroke, Mark), (Mark - Stroke, 0, Stroke, Mark), (0, 0, Mark, Stroke), (0, Mark - Stroke, Mark, Stroke)];
            foreach (var stroke in strokes)
            {
                var area = image.narrow(2, top + stroke.Top, stroke.Height).narrow(3, left + stroke.Left, stroke.Width);
                area.fill_(235);
                if (isCross)
                    area.narrow(1, 1, 2).fill_(90);
            }
        }
    }

    public int Channels => 3;

    public long Height => pixels.shape[2];

    public long Width => pixels.shape[3];

    public Tensor Read(long top, long left, long height, long width) => pixels.narrow(2, top, height).narrow(3, left, width).clone();

    public void Dispose() => pixels.Dispose();
}
