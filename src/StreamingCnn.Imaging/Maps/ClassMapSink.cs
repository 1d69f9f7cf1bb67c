using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Makes a map of classes of a map of scores, and hands it out row by row. Scores are made to classes rectangle by rectangle, so that one
/// byte for each position of a row of rectangles is held.
/// </summary>
/// <remarks>
/// Several channels are scores of as many classes: a position's class is the one with the largest score, and the first of equal ones. One
/// channel is the score of the second of two classes, which a position belongs to if its logistic function reaches the threshold.
/// </remarks>
public sealed class ClassMapSink : IMapSink, IDisposable
{
    private const double Even = 0.5;

    private readonly IReadOnlyList<IClassRows> receivers;
    private readonly double? threshold;
    private readonly NoDataMask? missing;
    private readonly RowSink rows;
    private long received;

    /// <summary>Creates the sink.</summary>
    /// <param name="receivers">Who gets the rows. They stay the caller's.</param>
    /// <param name="threshold">
    /// The least probability of the classes behind the first: a position belongs to the likeliest of these if it reaches that, else to the
    /// first. Null for the largest score, or 0.5 where there is one channel.
    /// </param>
    /// <param name="missing">
    /// Where the image has no data: such positions are of no class but <see cref="MapClass.NoData"/>. Stays the caller's; null for nowhere.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The threshold is not above 0 and at most 1.</exception>
    public ClassMapSink(IReadOnlyList<IClassRows> receivers, double? threshold = null, NoDataMask? missing = null)
    {
        ArgumentNullException.ThrowIfNull(receivers);
        if (threshold is { } least)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least, nameof(threshold));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(least, 1, nameof(threshold));
        }

        (this.receivers, this.threshold, this.missing) = (receivers, threshold, missing);
        rows = new RowSink(HandOut);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are several images, or more channels than a byte has values.</exception>
    public void Begin(long batch, long channels, long height, long width)
    {
        if (batch != 1)
            throw new ArgumentException($"A map of classes is of one image, and not of {batch}.");
        var most = missing is null ? MapClass.Most : MapClass.Most - 1;
        if (channels > most)
            throw new ArgumentException($"A map of classes has at most {most} classes, and not {channels}.");
        rows.Begin(1, 1, height, width);
        foreach (var receiver in receivers)
            receiver.Begin(height, width);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A score is not a finite number.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        if (!values.isfinite().all().item<bool>())
        {
            throw new InvalidDataException(
                $"The map holds scores that are not finite numbers near row {top} and column {left}; the weights or the image hold some, too.");
        }

        rows.Write(top, left, Classes(values).cpu());
    }

    /// <summary>Tells the receivers that all rows have come.</summary>
    /// <exception cref="InvalidOperationException">Rows are missing.</exception>
    public void Complete()
    {
        if (received != rows.Shape.Height)
            throw new InvalidOperationException($"Only {received} of {rows.Shape.Height} rows of the map have come.");
        foreach (var receiver in receivers)
            receiver.Complete();
    }

    /// <inheritdoc/>
    public void Dispose() => rows.Dispose();

    /// <summary>[1, 1, h, w], uint8, of scores [1, K, h, w].</summary>
    private Tensor Classes(Tensor scores)
    {
        if (scores.shape[1] == 1)
            return Probabilities.Of(scores).ge(Limit(threshold ?? Even)).to(ScalarType.Byte);
        if (threshold is not { } least)
            return scores.argmax(1, keepdim: true).to(ScalarType.Byte);
        var probabilities = Probabilities.Of(scores);
        // The first is no candidate, and is what is left where no other reaches the threshold.
        probabilities.narrow(1, 0, 1).zero_();
        var (largest, place) = probabilities.max(1, keepdim: true);
        return (place * largest.ge(Limit(least))).to(ScalarType.Byte);

        Tensor Limit(double number) => tensor(number, dtype: ScalarType.Float64, device: scores.device);
    }

    /// <summary>The class of each position and its probability.</summary>
    /// <param name="scores">[1, K, h, w], of at least two classes.</param>
    /// <param name="threshold">As for the sink.</param>
    /// <returns>[1, 2, h, w], float32: numbers of classes, which are exact, and probabilities.</returns>
    public static Tensor Likeliest(Tensor scores, double? threshold = null)
    {
        using var scope = NewDisposeScope();
        var probabilities = Probabilities.Of(scores);
        Tensor place, own;
        if (threshold is { } least)
        {
            var others = probabilities.narrow(1, 1, scores.shape[1] - 1);
            var (largest, number) = others.max(1, keepdim: true);
            using Scalar first = 1;
            place = number.add(first, first) * largest.ge(tensor(least, dtype: ScalarType.Float64, device: scores.device));
            own = probabilities.gather(1, place);
        }
        else
        {
            // As elsewhere the scores decide: probabilities may be equal by rounding.
            place = scores.argmax(1, keepdim: true);
            own = probabilities.gather(1, place);
        }

        return cat([place.to(ScalarType.Float32), own.to(ScalarType.Float32)], 1).MoveToOuterDisposeScope();
    }

    private void HandOut(long top, Tensor part)
    {
        using var scope = NewDisposeScope();
        var bytes = part.contiguous();
        var width = (int)rows.Shape.Width;
        for (var row = 0; row < part.shape[2]; row++)
        {
            var classes = bytes.bytes.Slice(row * width, width);
            Mark(classes, top + row);
            foreach (var receiver in receivers)
                receiver.Write(top + row, classes);
        }

        received += part.shape[2];
    }

    private void Mark(Span<byte> classes, long row)
    {
        if (missing is null)
            return;
        var isMissing = missing.Row(row);
        for (var x = 0; x < classes.Length; x++)
        {
            if (isMissing[x])
                classes[x] = MapClass.NoData;
        }
    }
}
