using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// A small picture of four, side by side: the image, what is true of its pixels, what the model says, and where that is wrong. Of maps no
/// more than the picture's own pixels is held.
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
    /// <param name="sample">An image with a mask, or a map of numbers.</param>
    /// <param name="side">The longer side of each of the four pictures, in pixels, where the image is larger.</param>
    /// <returns>A JPEG; null where the sample has neither.</returns>
    /// <exception cref="ImageFormatException">The image or what is true of it cannot be read.</exception>
    public static byte[]? Jpeg(StreamingMapModel model, TrainingSample sample, int side = 320) => Jpeg(model, sample, out _, side);

    /// <inheritdoc cref="Jpeg(StreamingMapModel, TrainingSample, int)"/>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="sample">An image with a mask, or a map of numbers.</param>
    /// <param name="remark">
    /// Which bands are shown and how their values were stretched, and what colours of numbers mean; empty where there is nothing to say.
    /// </param>
    /// <param name="side">The longer side of each of the four pictures, in pixels, where the image is larger.</param>
    /// <param name="run">Hands out the map of an image; null for the model's own.</param>
    public static byte[]? Jpeg(
        StreamingMapModel model, TrainingSample sample, out string remark, int side = 320, Action<IImageSource, IMapSink>? run = null)
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
        var said = new NearestPositions(height, width, model is StreamingMapRegressor ? First : Highest);
        (run ?? model.Run)(image, said);
        var found = Seen(image, said.Values, height, width);
        using var mask = new NearestSource(sample.OpenMask(0), height, width);
        var truth = First(mask.Read(0, 0, height, width)[0]).flatten().data<float>().ToArray();
        using var small = sample.Picture?.Invoke(side) ?? new ResampledSource(sample.Open(0), height, width);
        remark = (small as SmallPicture)?.Remark ?? "";
        var (drawn, meaning) = model is StreamingMapRegressor ? OfNumbers(truth, found) : (OfClasses(truth, found), "");
        if (meaning.Length > 0)
            remark = remark.Length > 0 ? $"{remark}; {meaning}" : meaning;
        Tensor[] parts =
        [
            Photograph(small, height, width),
            .. drawn.Select(pixels => tensor([.. pixels.SelectMany(pixel => pixel)], [height, width, 3]).permute(2, 0, 1)),
        ];
        using var joined = new TensorImageSource(
            cat(parts.SelectMany((part, i) => i == 0 ? (Tensor[])[part] : [Space(), part]).ToArray(), 2));
        return ImageBytes.Jpeg(joined, quality: 92);

        Tensor Space()
        {
            using Scalar paper = Paper;
            return full([3, height, Gap], paper, ScalarType.Byte);
        }
    }

    /// <summary>What the model says where it looks, and no number elsewhere.</summary>
    private static float[] Seen(IImageSource image, float[] said, long height, long width)
    {
        if (image is not ForegroundSource { Foreground: var foreground })
            return said;
        using var scope = NewDisposeScope();
        using var covered = new CoveredSource(foreground, height, width);
        var seen = covered.Read(0, 0, height, width).contiguous().bytes;
        var values = new float[said.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = seen[i] != 0 ? said[i] : float.NaN;
        return values;
    }

    /// <summary>The mask, what the model says, and where that is wrong.</summary>
    private static IEnumerable<byte[]>[] OfClasses(float[] truth, float[] said) =>
    [
        truth.Select(label => label < 0 ? Ignored : Palette[(int)label % Palette.Length]),
        said.Select(label => float.IsNaN(label) ? Ignored : Palette[(int)label % Palette.Length]),
        truth.Zip(said, (label, found) => label < 0 ? Ignored : label == found ? Right : Wrong),
    ];

    /// <summary>The numbers, what the model says, and by how much that is too little or too much; with what colours mean.</summary>
    private static (IEnumerable<byte[]>[] Drawn, string Remark) OfNumbers(float[] truth, float[] said)
    {
        var (low, high) = NumberColours.Range(truth);
        float[] errors = [.. said.Zip(truth, (found, actual) => found - actual)];
        float[] sizes = [.. errors.Where(error => !float.IsNaN(error)).Select(Math.Abs).Order()];
        var most = sizes.Length == 0 ? 1 : Math.Max(1e-12f, sizes[(int)(0.99 * (sizes.Length - 1))]);
        return (
            [
                truth.Select(value => float.IsNaN(value) ? Ignored : NumberColours.Of((value - low) / (high - low))),
                said.Select(value => float.IsNaN(value) ? Ignored : NumberColours.Of((value - low) / (high - low))),
                errors.Select(error => float.IsNaN(error) ? Ignored : NumberColours.OfError(error / most)),
            ],
            string.Create(CultureInfo.InvariantCulture, $"colours from {low:G4} to {high:G4}, errors from -{most:G3} (blue) to {most:G3} (red)"));
    }

    // Of a map of one image, [K, h, w].
    private static Tensor First(Tensor map) => map[0].to(ScalarType.Float32).cpu().contiguous();

    private static Tensor Highest(Tensor map) => map.to(ScalarType.Float32).argmax(0).to(ScalarType.Float32).cpu().contiguous();

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

    /// <summary>Picks something of the positions that a smaller map has.</summary>
    /// <param name="height">Height of the smaller map.</param>
    /// <param name="width">Width of it.</param>
    /// <param name="of">From a rectangle of the map, [K, h, w], to what is kept of it, [h, w] of float32.</param>
    private sealed class NearestPositions(long height, long width, Func<Tensor, Tensor> of) : IMapSink
    {
        private long[] rows = [];
        private long[] columns = [];

        /// <summary>What was picked, row by row.</summary>
        public float[] Values { get; } = new float[height * width];

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
            var found = of(picked).flatten().data<float>().ToArray();
            for (var i = 0; i < found.Length; i++)
                Values[(ys[i / xs.Length] * width) + xs[i % xs.Length]] = found[i];
        }

        private static int[] Within(long[] places, long first, long count) =>
            [.. places.Index().Where(place => place.Item >= first && place.Item < first + count).Select(place => place.Index)];

        // As NearestSource takes them.
        private static long[] Places(long count, long length) =>
            [.. Enumerable.Range(0, (int)count).Select(place => ((2L * place) + 1) * length / (2 * count))];
    }
}
