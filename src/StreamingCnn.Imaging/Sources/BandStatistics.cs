namespace StreamingCnn.Imaging;

/// <summary>What values a band of an image has, as the file stores them. Pixels without data are left out.</summary>
/// <param name="Band">The band as people write it: its number from 1, and what the file calls it.</param>
/// <param name="Least">The least value; NaN where no pixel has data, as of all that follow.</param>
/// <param name="Most">The greatest value.</param>
/// <param name="Mean">Mean.</param>
/// <param name="Deviation">Standard deviation.</param>
/// <param name="Low">The 2nd percentile: the least value that is not below two hundredths of all.</param>
/// <param name="High">The 98th percentile.</param>
/// <param name="Missing">Share of the pixels without data, 0 to 1: of the value that means so, and those that are no number.</param>
public sealed record BandStatistics(
    string Band, double Least, double Most, double Mean, double Deviation, double Low, double High, double Missing)
{
    /// <summary>Share of values below <see cref="Low"/>, and above <see cref="High"/>.</summary>
    internal const double Tail = 0.02;

    // Of so many bands counts are kept at once; of more, the file is read again.
    private const int MostAtOnce = 16;

    private const long Side = 1024;

    /// <summary>Measures every pixel of a file, window by window: memory does not grow with the image, nor with its bands.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">
    /// Bands, page, the value that means no data and so on; null for the defaults. Values are taken as stored, and pixels without data are
    /// never filled.
    /// </param>
    /// <returns>The bands, in the order in which they are read.</returns>
    /// <remarks>
    /// Percentiles are exact: values of up to 16 bits are counted one by one, others by one half of their bits and in a second pass by the
    /// other.
    /// </remarks>
    /// <exception cref="ImageFormatException">The file cannot be read.</exception>
    public static IReadOnlyList<BandStatistics> Measure(string path, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options = (options ?? new ImageOptions()) with { RawValues = true, NoDataFill = [float.NaN] };
        options.Validate();
        var container = ImageContainer.Find(path, options);
        using var image = ImageSource.Open(container, options);
        var names = container.NamesOf(options, image.Channels);
        var isCounted = container.Info is { FloatingPoint: false, Bits: <= 16 };
        var found = new List<BandStatistics>();
        for (var first = 0; first < image.Channels; first += MostAtOnce)
        {
            ValueCounts[] counts =
            [
                .. Enumerable.Range(first, Math.Min(MostAtOnce, image.Channels - first)).Select(_ => new ValueCounts(isCounted)),
            ];
            bool[] again;
            do
            {
                Pass(image, first, counts);
                // All are asked, since each is told by that what it is to count.
                again = [.. counts.Select(band => band.NeedsAnotherPass())];
            }
            while (again.Contains(true));
            found.AddRange(counts.Select((band, i) => band.Statistics(names[first + i])));
        }

        return found;
    }

    private static void Pass(IImageSource image, int first, ValueCounts[] counts)
    {
        for (long top = 0; top < image.Height; top += Side)
        {
            for (long left = 0; left < image.Width; left += Side)
            {
                using var scope = TorchSharp.torch.NewDisposeScope();
                var window = FloatPixels.Of(
                    image.Read(top, left, Math.Min(Side, image.Height - top), Math.Min(Side, image.Width - left)));
                for (var band = 0; band < counts.Length; band++)
                {
                    for (var row = (first + band) * window.Height; row < (first + band + 1) * window.Height; row++)
                        counts[band].Add(window[row]);
                }
            }
        }
    }
}

/// <summary>Sums and counts of one band's values, from which percentiles follow.</summary>
/// <param name="isCounted">
/// Whether values are whole numbers of up to 16 bits, with or without a sign: one pass then tells all. Others are counted by the upper half
/// of their bits, and in a second pass, of those that the percentiles lie among, by the lower half.
/// </param>
internal sealed class ValueCounts(bool isCounted)
{
    private const int Half = 1 << 16;
    private const int HalfBits = 16;
    private const int Offset = 1 << 15;

    // Whole numbers from -32768 to 65535.
    private readonly long[] upper = new long[isCounted ? Half + Offset : Half];
    private readonly long[][] lower = isCounted ? [] : [new long[Half], new long[Half]];
    private readonly int[] places = [-1, -1];
    private bool isSecondPass;
    private long count;
    private long missing;
    private float least = float.PositiveInfinity;
    private float most = float.NegativeInfinity;
    private double mean;
    private double squares;

    /// <summary>Adds values; those that are no finite number are missing.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        if (isSecondPass)
        {
            foreach (var value in values)
            {
                var key = Key(value);
                for (var i = 0; i < places.Length; i++)
                {
                    if (float.IsFinite(value) && key >> HalfBits == places[i])
                        lower[i][key & (Half - 1)]++;
                }
            }

            return;
        }

        double sum = 0;
        long added = 0;
        foreach (var value in values)
        {
            if (!float.IsFinite(value))
                continue;
            sum += value;
            added++;
            least = Math.Min(least, value);
            most = Math.Max(most, value);
            upper[isCounted ? (int)Math.Round(value) + Offset : (int)(Key(value) >> HalfBits)]++;
        }

        missing += values.Length - added;
        if (added == 0)
            return;
        // Means of rows are joined, so that squares are of differences (Chan, Golub and LeVeque).
        var own = sum / added;
        double around = 0;
        foreach (var value in values)
        {
            if (float.IsFinite(value))
                around += (value - own) * (value - own);
        }

        var apart = own - mean;
        squares += around + (apart * apart * count * added / (count + added));
        mean += apart * added / (count + added);
        count += added;
    }

    /// <summary>Whether the values must be added once more; called after each pass.</summary>
    public bool NeedsAnotherPass()
    {
        if (isCounted || isSecondPass || count == 0)
            return false;
        for (var i = 0; i < places.Length; i++)
            places[i] = Place(upper, Rank(i), out _);
        return isSecondPass = true;
    }

    /// <summary>What has been found.</summary>
    /// <param name="band">The band.</param>
    public BandStatistics Statistics(string band) => count == 0
        ? new(band, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, 1)
        : new(
            band, least, most, mean, Math.Sqrt(squares / count), Percentile(0), Percentile(1), missing / (double)(missing + count));

    private double Percentile(int which)
    {
        var place = Place(upper, Rank(which), out var before);
        return isCounted
            ? place - Offset
            : Value(((uint)place << HalfBits) | (uint)Place(lower[which], Rank(which) - before, out _));
    }

    /// <summary>Place of a value among all in their order, from 0.</summary>
    private long Rank(int which) => which == 0
        ? (long)Math.Floor(BandStatistics.Tail * count)
        : count - 1 - (long)Math.Floor(BandStatistics.Tail * count);

    private static int Place(long[] counts, long rank, out long before)
    {
        before = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            if (before + counts[i] > rank)
                return i;
            before += counts[i];
        }

        return counts.Length - 1;
    }

    // The bits of numbers in the order of the numbers.
    private static uint Key(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (bits >> 31) == 0 ? bits | 0x80000000 : ~bits;
    }

    private static float Value(uint key) => BitConverter.UInt32BitsToSingle((key >> 31) == 0 ? ~key : key & 0x7fffffff);
}
