using System.Runtime.Intrinsics;

namespace StreamingCnn.Reductions;

/// <summary>For each channel a line through its values: flat + steep (x - centre).</summary>
internal readonly unsafe ref struct ChannelLines(ReadOnlySpan<float> centre, ReadOnlySpan<float> flat, ReadOnlySpan<float> steep)
{
    private const int Lanes = 8;

    private readonly ReadOnlySpan<float> centre = centre, flat = flat, steep = steep;

    public void AtPosition(float* read, float* write)
    {
        var channel = 0;
        for (; channel <= centre.Length - Lanes; channel += Lanes)
        {
            var difference = Vector256.Load(read + channel) - Vector256.LoadUnsafe(in centre[channel]);
            (Vector256.LoadUnsafe(in flat[channel]) + (Vector256.LoadUnsafe(in steep[channel]) * difference)).Store(write + channel);
        }

        for (; channel < centre.Length; channel++)
            write[channel] = flat[channel] + (steep[channel] * (read[channel] - centre[channel]));
    }

    public void AlongChannel(int channel, float* read, float* write, long width)
    {
        var (about, level, slope) = (centre[channel], flat[channel], steep[channel]);
        var (vectorAbout, vectorLevel, vectorSlope) = (Vector256.Create(about), Vector256.Create(level), Vector256.Create(slope));
        long column = 0;
        for (; column <= width - Lanes; column += Lanes)
            (vectorLevel + (vectorSlope * (Vector256.Load(read + column) - vectorAbout))).Store(write + column);
        for (; column < width; column++)
            write[column] = level + (slope * (read[column] - about));
    }
}
