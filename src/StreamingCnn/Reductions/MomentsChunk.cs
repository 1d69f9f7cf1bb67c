using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace StreamingCnn.Reductions;

/// <summary>Some positions that stay in the cache while they are read twice.</summary>
internal readonly unsafe struct MomentsChunk(float* start, int rows, int columns, long rowStride, long columnStride)
{
    private const int Lanes = 8;

    private readonly float each = 1f / (rows * columns);

    /// <summary>
    /// For each channel about the mean, the sum of what differs from it, and that of its squares; all channels of a position lie side by
    /// side.
    /// </summary>
    public void ChannelsLast(Span<float> centre, Span<float> sum, Span<float> squares)
    {
        var channel = 0;
        for (; channel <= centre.Length - (4 * Lanes); channel += 4 * Lanes)
            Channels32(channel, centre, sum, squares);
        for (; channel <= centre.Length - Lanes; channel += Lanes)
            Channels8(channel, centre, sum, squares);
        for (; channel < centre.Length; channel++)
            Channel(channel, centre, sum, squares);
    }

    /// <summary>The same where all positions of a row lie side by side.</summary>
    public void ChannelsFirst(long channelStride, Span<float> centre, Span<float> sum, Span<float> squares)
    {
        for (var channel = 0; channel < centre.Length; channel++)
        {
            var values = start + (channel * channelStride);
            var about = RowSums(values, Vector256<float>.Zero).Sum * each;
            var (rest, ofSquares) = RowSums(values, Vector256.Create(about));
            (centre[channel], sum[channel], squares[channel]) = (about, rest, ofSquares);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (float Sum, float Squares) RowSums(float* values, Vector256<float> about)
    {
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        Vector256<float> square0 = default, square1 = default, square2 = default, square3 = default;
        float sum = 0, squares = 0;
        for (var row = 0; row < rows; row++, values += rowStride)
        {
            var column = 0;
            for (; column <= columns - (4 * Lanes); column += 4 * Lanes)
            {
                var d0 = Vector256.Load(values + column) - about;
                var d1 = Vector256.Load(values + column + Lanes) - about;
                var d2 = Vector256.Load(values + column + (2 * Lanes)) - about;
                var d3 = Vector256.Load(values + column + (3 * Lanes)) - about;
                sum0 += d0;
                sum1 += d1;
                sum2 += d2;
                sum3 += d3;
                square0 += d0 * d0;
                square1 += d1 * d1;
                square2 += d2 * d2;
                square3 += d3 * d3;
            }

            for (; column < columns; column++)
            {
                var difference = values[column] - about[0];
                sum += difference;
                squares += difference * difference;
            }
        }

        return (sum + Vector256.Sum(sum0 + sum1 + (sum2 + sum3)), squares + Vector256.Sum(square0 + square1 + (square2 + square3)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Channels32(int channel, Span<float> centre, Span<float> sum, Span<float> squares)
    {
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        var line = start + channel;
        for (var row = 0; row < rows; row++, line += rowStride)
        {
            var values = line;
            for (var column = 0; column < columns; column++, values += columnStride)
            {
                sum0 += Vector256.Load(values);
                sum1 += Vector256.Load(values + Lanes);
                sum2 += Vector256.Load(values + (2 * Lanes));
                sum3 += Vector256.Load(values + (3 * Lanes));
            }
        }

        var (about0, about1, about2, about3) = (sum0 * each, sum1 * each, sum2 * each, sum3 * each);
        Vector256<float> square0 = default, square1 = default, square2 = default, square3 = default;
        (sum0, sum1, sum2, sum3) = (default, default, default, default);
        line = start + channel;
        for (var row = 0; row < rows; row++, line += rowStride)
        {
            var values = line;
            for (var column = 0; column < columns; column++, values += columnStride)
            {
                var d0 = Vector256.Load(values) - about0;
                var d1 = Vector256.Load(values + Lanes) - about1;
                var d2 = Vector256.Load(values + (2 * Lanes)) - about2;
                var d3 = Vector256.Load(values + (3 * Lanes)) - about3;
                sum0 += d0;
                sum1 += d1;
                sum2 += d2;
                sum3 += d3;
                square0 += d0 * d0;
                square1 += d1 * d1;
                square2 += d2 * d2;
                square3 += d3 * d3;
            }
        }

        Keep(centre[channel..], about0, about1, about2, about3);
        Keep(sum[channel..], sum0, sum1, sum2, sum3);
        Keep(squares[channel..], square0, square1, square2, square3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Channels8(int channel, Span<float> centre, Span<float> sum, Span<float> squares)
    {
        Vector256<float> sums = default, ofSquares = default;
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                sums += Vector256.Load(At(row, column, channel));
        }

        var about = sums * each;
        sums = default;
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var difference = Vector256.Load(At(row, column, channel)) - about;
                sums += difference;
                ofSquares += difference * difference;
            }
        }

        about.CopyTo(centre[channel..]);
        sums.CopyTo(sum[channel..]);
        ofSquares.CopyTo(squares[channel..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Channel(int channel, Span<float> centre, Span<float> sum, Span<float> squares)
    {
        float sums = 0, ofSquares = 0;
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                sums += *At(row, column, channel);
        }

        var about = sums * each;
        sums = 0;
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var difference = *At(row, column, channel) - about;
                sums += difference;
                ofSquares += difference * difference;
            }
        }

        (centre[channel], sum[channel], squares[channel]) = (about, sums, ofSquares);
    }

    private float* At(int row, int column, int channel) => start + (row * rowStride) + (column * columnStride) + channel;

    private static void Keep(
        Span<float> kept, Vector256<float> first, Vector256<float> second, Vector256<float> third, Vector256<float> fourth)
    {
        first.CopyTo(kept);
        second.CopyTo(kept[Lanes..]);
        third.CopyTo(kept[(2 * Lanes)..]);
        fourth.CopyTo(kept[(3 * Lanes)..]);
    }
}
