using System.Runtime.InteropServices;
using StreamingCnn.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// Some numbers for each position of a trunk's map, in a temporary file, made of rectangles as they come: neither the map nor the numbers
/// are held whole.
/// </summary>
/// <param name="folder">Folder of the file.</param>
/// <param name="count">How many numbers of each position.</param>
/// <param name="numbers">The numbers [1, count, h, w] of a rectangle [1, C, h, w].</param>
internal sealed class PositionMap(string folder, int count, Func<Tensor, Tensor> numbers) : IMapSink, IDisposable
{
    private RasterFile? file;

    /// <summary>How many positions there are, once the map has begun.</summary>
    public long Positions => file!.Height * file.Width;

    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width) => file = new RasterFile(folder, height, width, count);

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values)
    {
        using var scope = NewDisposeScope();
        var packed = numbers(values).to(ScalarType.Float32).cpu()[0].permute(1, 2, 0).contiguous();
        file!.Write(new ImageRegion(top, left, values.shape[2], values.shape[3]), MemoryMarshal.Cast<byte, float>(packed.bytes));
    }

    /// <summary>Of processes that share the image, and have written a stripe each: gives all of them all stripes.</summary>
    public void Join(StreamingOptions options) => file!.Join(options);

    /// <summary>The logarithm of the sum of all numbers' exponentials.</summary>
    public double LogSumExp()
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        foreach (var (top, height) in file!.Bands())
        {
            using var passing = NewDisposeScope();
            parts.Add(file.Read(top, height).to(ScalarType.Float64).flatten().logsumexp(0).MoveToOuterDisposeScope());
        }

        return stack(parts).logsumexp(0).item<double>();
    }

    /// <summary>Writes the map to a larger file, bilinearly, the edges of both being the same.</summary>
    /// <param name="larger">The file, of one channel.</param>
    /// <param name="values">The rows [1, 1, h, w] that are enlarged, of rows of numbers.</param>
    public void Enlarge(RasterFile larger, Func<Tensor, Tensor> values)
    {
        using var pause = new CollectionPause();
        foreach (var (top, height) in larger.Bands())
        {
            using var scope = NewDisposeScope();
            var (first, weight) = Places(file!.Height, larger.Height, top, height);
            var start = first[0].item<long>();
            var band = values(file.Read(start, Math.Min(first[^1].item<long>() + 2, file.Height) - start));
            var (left, weightOfRight) = Places(file.Width, larger.Width, 0, larger.Width);
            larger.Write(top, Interpolate(Interpolate(band, 2, first - start, weight.unsqueeze(1)), 3, left, weightOfRight));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    /// <summary>Which position lies before each of some positions of a longer axis, and the share of the one behind.</summary>
    private static (Tensor First, Tensor Weight) Places(long own, long length, long start, long count)
    {
        var position = ((arange(start, start + count, ScalarType.Float64) + 0.5) * ((double)own / length) - 0.5).clamp(0, own - 1);
        var before = position.floor();
        return (before.to(ScalarType.Int64), (position - before).to(ScalarType.Float32));
    }

    private static Tensor Interpolate(Tensor map, long dimension, Tensor first, Tensor weight)
    {
        var next = (first + 1).clamp(0, map.shape[dimension] - 1);
        return (map.index_select(dimension, first) * (1 - weight)) + (map.index_select(dimension, next) * weight);
    }
}
