using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// A map of numbers made small for a picture, and what its numbers are: of each square of positions the mean of the first number, of each
/// number how many there are, the least, the greatest and their sum.
/// </summary>
/// <param name="side">Greatest height and width of the picture.</param>
/// <param name="missing">Where the image has no data, which is passed over; stays the caller's. Null for nowhere.</param>
public sealed class NumberGrid(int side, NoDataMask? missing = null) : IMapSink, IDisposable
{
    private RowSink? rows;
    private double[] sums = [];
    private int[] counts = [];
    private NumberSummary[] summaries = [];
    private long square = 1;

    /// <summary>Height of the picture.</summary>
    public int Height { get; private set; }

    /// <summary>Width of the picture.</summary>
    public int Width { get; private set; }

    /// <summary>What there is of each number.</summary>
    public IReadOnlyList<NumberSummary> Summaries => summaries;

    /// <summary>The mean of the first number in each square, row by row; NaN where there is none.</summary>
    public float[] Cells => [.. sums.Zip(counts, (sum, count) => count == 0 ? float.NaN : (float)(sum / count))];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are several images.</exception>
    public void Begin(long batch, long channels, long height, long width)
    {
        if (batch != 1)
            throw new ArgumentException($"A picture of a map is of one image, and not of {batch}.");
        square = Math.Max(1, (Math.Max(height, width) + side - 1) / side);
        (Height, Width) = ((int)((height + square - 1) / square), (int)((width + square - 1) / square));
        (sums, counts) = (new double[Height * Width], new int[Height * Width]);
        summaries = new NumberSummary[channels];
        Array.Fill(summaries, new(0, double.PositiveInfinity, double.NegativeInfinity, 0));
        rows?.Dispose();
        // Rows in their order: where the image has no data is read so.
        rows = new RowSink(Take);
        rows.Begin(batch, channels, height, width);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A number is not finite.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        rows!.Write(top, left, values.to(ScalarType.Float32).cpu());
    }

    /// <inheritdoc/>
    public void Dispose() => rows?.Dispose();

    private void Take(long top, Tensor part)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (part.shape[2], (int)part.shape[3]);
        for (var channel = 0; channel < summaries.Length; channel++)
        {
            using var plane = part[0, channel].contiguous();
            var numbers = MemoryMarshal.Cast<byte, float>(plane.bytes);
            for (var y = 0; y < height; y++)
                Add(channel, top + y, numbers.Slice(y * width, width), missing is null ? [] : missing.Row(top + y));
        }
    }

    private void Add(int channel, long row, ReadOnlySpan<float> line, ReadOnlySpan<bool> isMissing)
    {
        var (count, least, most, sum) = summaries[channel];
        var first = (int)(row / square * Width);
        for (var x = 0; x < line.Length; x++)
        {
            if (isMissing.Length > 0 && isMissing[x])
                continue;
            var value = line[x];
            if (!float.IsFinite(value))
                throw new InvalidDataException($"The number at row {row}, column {x} is {value}; the weights of the network are no use.");
            (count, least, most, sum) = (count + 1, Math.Min(least, value), Math.Max(most, value), sum + value);
            if (channel > 0)
                continue;
            var cell = first + (int)(x / square);
            sums[cell] += value;
            counts[cell]++;
        }

        summaries[channel] = new(count, least, most, sum);
    }
}
