using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// A small picture of four, side by side: the image, its mask, what the model says, and where that is wrong. Of maps no more than the
/// picture's own pixels is held.
/// </summary>
public static class ComparisonPicture
{
    private const int Gap = 6;
    private const int Paper = 255;
    private static readonly byte[] Ignored = [0, 0, 0];
    private static readonly byte[] Right = [225, 225, 225];
    private static readonly byte[] Wrong = [205, 30, 30];

    // Colours that are told apart; of more classes they come again.
    private static readonly byte[][] Palette =
    [
        [190, 190, 190],
        [31, 119, 180],
        [255, 127, 14],
        [44, 160, 44],
        [148, 103, 189],
        [140, 86, 75],
        [227, 119, 194],
        [188, 189, 34],
        [23, 190, 207],
        [174, 199, 232], [255, 187, 120], [152, 223, 138], [197, 176, 213],
    ];

    /// <summary>Draws the picture.</summary>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="sample">An image with a mask.</param>
    /// <param name="side">The longer side of each of the four pictures, in pixels, where the image is larger.</param>
    /// <returns>A JPEG; null where the sample has no mask.</returns>
    /// <exception cref="ImageFormatException">The image or its mask cannot be read.</exception>
    public static byte[]? Jpeg(StreamingSegmenter model, TrainingSample sample, int side = 320) => Jpeg(model, sample, out _, side);

    /// <inheritdoc cref="Jpeg(StreamingSegmenter, TrainingSample, int)"/>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="sample">An image with a mask.</param>
    /// <param name="remark">Which bands are shown and how their values were stretched; empty where the image is shown as it is.</param>
    /// <param name="side">The longer side of each of the four pictures, in pixels, where the image is larger.</param>
    public static byte[]? Jpeg(StreamingSegmenter model, TrainingSample sample, out string remark, int side = 320)
    {
        remark = "";
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sample);
        if (sample.OpenMask is null)
            return null;
        model.eval();
        using var scope = NewDisposeScope();
        using var image = sample.Open(0);
        var factor = Math.Max(1, Math.Max(image.Height, image.Width) / (double)side);
        var (height, width) = (Math.Max(1, (long)(image.Height / factor)), Math.Max(1, (long)(image.Width / factor)));
        var said = new NearestClasses(height, width);
        model.Run(image, said);
        using var mask = new NearestSource(sample.OpenMask(0), height, width);
        var truth = mask.Read(0, 0, height, width).to(ScalarType.Int64).flatten().data<long>().ToArray();
        using var small = sample.Picture?.Invoke(side) ?? new ResampledSource(sample.Open(0), height, width);
        remark = (small as SmallPicture)?.Remark ?? "";
        Tensor[] parts =
        [
            Photograph(small, height, width),
            Drawn(truth, (label, _) => label < 0 ? Ignored : Palette[label % Palette.Length]),
            Drawn(said.Classes, (label, _) => Palette[label % Palette.Length]),
            Drawn(truth, (label, place) => label < 0 ? Ignored : label == said.Classes[place] ? Right : Wrong),
        ];
        using var joined = new TensorImageSource(
            cat(parts.SelectMany((part, i) => i == 0 ? (Tensor[])[part] : [Space(), part]).ToArray(), 2));
        return ImageBytes.Jpeg(joined, quality: 92);

        Tensor Space()
        {
            using Scalar paper = Paper;
            return full([3, height, Gap], paper, ScalarType.Byte);
        }

        Tensor Drawn(long[] classes, Func<long, int, byte[]> colour) =>
            tensor([.. classes.SelectMany((label, place) => colour(label, place))], [height, width, 3]).permute(2, 0, 1);
    }

    private static Tensor Photograph(IImageSource image, long height, long width)
    {
        var pixels = image.Read(0, 0, image.Height, image.Width).to(ScalarType.Float32);
        if (image.Height != height || image.Width != width)
        {
            pixels = nn.functional.interpolate(
                pixels, [height, width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true);
        }

        if (image is not SmallPicture)
        {
            if (pixels.shape[1] is not (1 or 3))
                return Stretch.Of(pixels)[0].expand(3, -1, -1);
            // What the network sees is scaled; spread from the least to the greatest, an eye can see it too.
            var (least, most) = (pixels.min(), pixels.max());
            using Scalar smallest = 1e-12;
            pixels = (pixels - least) / (most - least).clamp_min(smallest) * tensor(255f);
        }

        using Scalar black = 0, white = 255;
        return pixels[0].round().clamp(black, white).to(ScalarType.Byte).expand(3, -1, -1);
    }

    /// <summary>Picks the highest of the scores of the positions that a smaller map has.</summary>
    private sealed class NearestClasses(long height, long width) : IMapSink
    {
        private long[] rows = [];
        private long[] columns = [];

        /// <summary>The classes, row by row.</summary>
        public long[] Classes { get; } = new long[height * width];

        public void Begin(long batch, long channels, long mapHeight, long mapWidth) =>
            (rows, columns) = (Places(height, mapHeight), Places(width, mapWidth));

        public void Write(long top, long left, Tensor values)
        {
            using var scope = NewDisposeScope();
            var ys = Within(rows, top, values.shape[2]);
            var xs = Within(columns, left, values.shape[3]);
            if (ys.Length == 0 || xs.Length == 0)
                return;
            var picked = values[0]
                .index_select(1, tensor(Array.ConvertAll(ys, y => rows[y] - top), device: values.device))
                .index_select(2, tensor(Array.ConvertAll(xs, x => columns[x] - left), device: values.device));
            var classes = picked.to(ScalarType.Float32).argmax(0).cpu().flatten().data<long>().ToArray();
            for (var i = 0; i < classes.Length; i++)
                Classes[(ys[i / xs.Length] * width) + xs[i % xs.Length]] = classes[i];
        }

        private static int[] Within(long[] places, long first, long count) =>
            [.. places.Index().Where(place => place.Item >= first && place.Item < first + count).Select(place => place.Index)];

        // As NearestSource takes them.
        private static long[] Places(long count, long length) =>
            [.. Enumerable.Range(0, (int)count).Select(place => ((2L * place) + 1) * length / (2 * count))];
    }
}
