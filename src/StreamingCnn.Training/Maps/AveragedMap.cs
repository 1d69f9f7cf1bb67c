using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Maps;

/// <summary>
/// The mean of the probabilities that a network gives of an image and of its mirror images and turns, each turned back, pixel by pixel.
/// </summary>
/// <remarks>
/// The mean of a large image is made in bands of rows, each of them of all views, so that no map is ever whole: for a band nothing is
/// computed but what its rows read. It is the mean of the whole views' maps all the same. A network that looks at whole maps, such as one
/// with instance norms, is run through wholly for each band.
/// </remarks>
public static class AveragedMap
{
    // What a band's sums may take. More rows mean less around them that is computed twice.
    private const long BandBytes = 256L << 20;

    // Positions that are handed out at once: receivers make several tensors of them.
    private const long PartPositions = 1 << 20;

    /// <summary>Makes the mean, and hands it out from top to bottom.</summary>
    /// <param name="run">Runs the network for what lies in a mask, or for all, such as <see cref="StreamingMapModel.Run(IImageSource, IImageSource, IMapSink)"/>.</param>
    /// <param name="image">The image; of a <see cref="ForegroundSource"/> the mean is that at its foreground. It stays the caller's.</param>
    /// <param name="sink">
    /// Gets scores, [1, classes, h, w], whose softmax is the mean: its logarithms, float32, or float64 where the network computes in that.
    /// </param>
    /// <param name="classes">Classes that the network scores, at least 2.</param>
    /// <param name="average">The views.</param>
    public static void Run(
        Action<IImageSource, IImageSource?, IMapSink> run, IImageSource image, IMapSink sink, int classes, MapAverage average) =>
        Run(run, image, sink, classes, average, BandBytes);

    /// <inheritdoc cref="Run(Action{IImageSource, IImageSource, IMapSink}, IImageSource, IMapSink, int, MapAverage)"/>
    /// <param name="run">Runs the network.</param>
    /// <param name="image">The image.</param>
    /// <param name="sink">Gets the scores.</param>
    /// <param name="classes">Classes that the network scores, at least 2.</param>
    /// <param name="average">The views.</param>
    /// <param name="bandBytes">What a band's sums may take.</param>
    internal static void Run(
        Action<IImageSource, IImageSource?, IMapSink> run,
        IImageSource image,
        IMapSink sink,
        int classes,
        MapAverage average,
        long bandBytes)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        var foreground = (image as ForegroundSource)?.Foreground;
        if (average == MapAverage.None)
        {
            run(image, foreground, sink);
            return;
        }

        var (height, width) = (image.Height, image.Width);
        var rows = Math.Clamp(bandBytes / (classes * width * sizeof(float)), 1, height);
        sink.Begin(1, classes, height, width);
        for (long top = 0; top < height; top += rows)
        {
            using var scope = NewDisposeScope();
            using var sums = new Sums(classes, new(top, 0, Math.Min(rows, height - top), width));
            var within = rows < height ? new RowsOf(image, foreground, top, sums.Band.Height) : foreground;
            var views = Views(average);
            foreach (var (mirror, turns) in views)
            {
                // The views own the image by their own account, and are not disposed: it stays the caller's.
                run(
                    new TurnedSource(image, mirror, turns),
                    within is null ? null : new TurnedSource(within, mirror, turns),
                    new TurnedBack(sums, mirror, turns));
            }

            sums.HandOut(sink, views.Length);
        }
    }

    private static (bool Mirror, int Turns)[] Views(MapAverage average) => average == MapAverage.Flips
        ? [(false, 0), (true, 0), (true, 2), (false, 2)]
        : [.. from turns in Enumerable.Range(0, 4) from mirror in (bool[])[false, true] select (mirror, turns)];

    /// <summary>Sums of probabilities over the views of a band of rows.</summary>
    /// <param name="classes">Classes.</param>
    /// <param name="band">The rows, as wide as the image.</param>
    private sealed class Sums(int classes, ImageRegion band) : IDisposable
    {
        // No probability that is a number is less, and the logarithm of none would be no number.
        private const double Least = 1.1754943508222875e-38;

        private Tensor? values;

        public ImageRegion Band => band;

        public int Classes => classes;

        /// <summary>Adds scores of a rectangle of the image, in the image's own place.</summary>
        public void Add(ImageRegion region, Tensor scores)
        {
            var (top, bottom) = (Math.Max(region.Top, band.Top), Math.Min(region.Top + region.Height, band.Top + band.Height));
            if (bottom <= top)
                return;
            var wide = scores.dtype == ScalarType.Float64 ? scores : scores.to(ScalarType.Float32);
            values ??= zeros([1, classes, band.Height, band.Width], wide.dtype, CPU).DetachFromDisposeScope();
            var part = wide.narrow(2, top - region.Top, bottom - top).softmax(1).cpu();
            using Scalar one = 1;
            values.narrow(2, top - band.Top, bottom - top).narrow(3, region.Left, region.Width).add_(part, one);
        }

        public void HandOut(IMapSink sink, int views)
        {
            using Scalar count = views, least = Least;
            var step = Math.Max(1, PartPositions / band.Width);
            for (long row = 0; row < band.Height; row += step)
            {
                using var scope = NewDisposeScope();
                var part = values!.narrow(2, row, Math.Min(step, band.Height - row));
                sink.Write(band.Top + row, 0, part.div(count).clamp_min(least).log_());
            }
        }

        public void Dispose() => values?.Dispose();
    }

    /// <summary>Takes rectangles of a view's map back to where they lie in the image, as <see cref="TurnedSource"/> took them away.</summary>
    private sealed class TurnedBack(Sums sums, bool mirror, int turns) : IMapSink
    {
        private (long Height, long Width) size;

        public void Begin(long batch, long channels, long height, long width)
        {
            if (channels != sums.Classes)
                throw new ArgumentException($"The map has scores of {channels} class(es), but {sums.Classes} are named.");
            size = turns % 2 == 0 ? (height, width) : (width, height);
        }

        public void Write(long top, long left, Tensor values)
        {
            using var scope = NewDisposeScope();
            var (height, width) = (values.shape[2], values.shape[3]);
            var region = turns switch
            {
                0 => new ImageRegion(top, left, height, width),
                1 => new ImageRegion(left, size.Width - top - height, width, height),
                2 => new ImageRegion(size.Height - top - height, size.Width - left - width, height, width),
                _ => new ImageRegion(size.Height - left - width, top, width, height),
            };
            var back = values.rot90(-turns, (2, 3));
            if (mirror)
                (region, back) = (region with { Left = size.Width - region.Left - region.Width }, back.flip(3));
            sums.Add(region, back);
        }
    }

    /// <summary>A mask of some rows of an image, or of the foreground in them.</summary>
    private sealed class RowsOf(IImageSource image, IImageSource? foreground, long first, long count) : IImageSource
    {
        public int Channels => 1;

        public long Height => image.Height;

        public long Width => image.Width;

        public Tensor Read(long top, long left, long height, long width)
        {
            using var scope = NewDisposeScope();
            var mask = zeros([1, 1, height, width], ScalarType.Byte);
            var (from, to) = (Math.Max(top, first), Math.Min(top + height, first + count));
            if (to > from)
            {
                using Scalar one = 1;
                var rows = mask.narrow(2, from - top, to - from);
                if (foreground is null)
                    rows.fill_(one);
                else
                    rows.copy_(foreground.Read(from, left, to - from, width).to(ScalarType.Bool));
            }

            return mask.MoveToOuterDisposeScope();
        }

        /// <summary>Both stay the caller's.</summary>
        public void Dispose()
        {
        }
    }
}
