using StreamingCnn.Imaging;
using StreamingCnn.Interop;
using StreamingCnn.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Demo;

/// <summary>
/// A needle in a haystack: cloudy grey noise with a few small bright square outlines, and in every second image one cross of the same size
/// in a warmer colour. Whoever shrinks the image loses the difference.
/// </summary>
internal sealed class NeedleImage : IImageSource
{
    /// <summary>Height and width in pixels.</summary>
    public const int Side = 384;

    /// <summary>Channels of every image.</summary>
    public const int ChannelCount = 3;

    private const int TrainingCount = 60;
    private const int ValidationCount = 30;

    // Seeds of different sets do not meet.
    private const int SetDistance = 100_000;

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
        var clouds = nn.functional.interpolate(
            rand([1, 1, 8, 8], generator: generator), [side, side], mode: InterpolationMode.Bilinear, align_corners: false);
        var image = clouds.Times(90.0).Plus(rand([1, 3, side, side], generator: generator).Times(60.0));
        for (var i = 0; i < Distractors; i++)
            Draw(isCross: false);
        if (hasNeedle)
            Draw(isCross: true);
        pixels = image.NoLessThan(0).NoMoreThan(255).to(ScalarType.Byte).DetachFromDisposeScope();

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
                area.Filled(235);
                if (isCross)
                    area.narrow(1, 1, 2).Filled(90);
            }
        }
    }

    /// <summary>
    /// Images to learn from, half of them with a needle, made anew for every use, so that there is nothing to learn by heart.
    /// </summary>
    public static IReadOnlyList<TrainingSample> TrainingSet(int seed) =>
        Set(TrainingCount, (_, use) => SetDistance * seed + ValidationCount + (int)use);

    /// <summary>Images to judge by, always the same.</summary>
    public static IReadOnlyList<TrainingSample> ValidationSet(int seed) => Set(ValidationCount, (number, _) => SetDistance * seed + number);

    private static TrainingSample[] Set(int count, Func<int, long, int> seed) =>
    [
        .. Enumerable.Range(0, count).Select(i => new TrainingSample(
            $"image {i}", i % 2, use => new NormalizedSource(new NeedleImage(seed(i, use), i % 2 == 1, Side), Normalization.Symmetric))),
    ];

    public int Channels => ChannelCount;

    public long Height => pixels.shape[2];

    public long Width => pixels.shape[3];

    public Tensor Read(long top, long left, long height, long width) => pixels.narrow(2, top, height).narrow(3, left, width).clone();

    public void Dispose() => pixels.Dispose();
}
