using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>
/// A map of classes or of numbers that says something of the foreground of its image alone, and one value of all the rest.
/// </summary>
public sealed class WithinSource : IImageSource
{
    private readonly IImageSource map;
    private readonly IImageSource foreground;
    private readonly double elsewhere;

    /// <summary>Joins both. It owns them from then on and disposes them.</summary>
    /// <param name="map">The map.</param>
    /// <param name="foreground">Of its size and one channel: not 0 where there is foreground.</param>
    /// <param name="elsewhere">What the map is elsewhere: a value that its type has.</param>
    /// <exception cref="ArgumentException">The foreground has another size, or more channels than one.</exception>
    public WithinSource(IImageSource map, IImageSource foreground, double elsewhere)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(foreground);
        if (foreground.Channels != 1 || foreground.Height != map.Height || foreground.Width != map.Width)
        {
            throw new ArgumentException(
                $"The foreground has {foreground.Channels} channel(s) of {foreground.Height} x {foreground.Width} pixels (height x width), but its map has {map.Height} x {map.Width}; give one channel of the map's size.",
                nameof(foreground));
        }

        (this.map, this.foreground, this.elsewhere) = (map, foreground, elsewhere);
    }

    /// <inheritdoc/>
    public int Channels => map.Channels;

    /// <inheritdoc/>
    public long Height => map.Height;

    /// <inheritdoc/>
    public long Width => map.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        using Scalar value = elsewhere;
        var isElsewhere = foreground.Read(top, left, height, width).to(ScalarType.Bool).logical_not();
        return map.Read(top, left, height, width).masked_fill(isElsewhere, value).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        map.Dispose();
        foreground.Dispose();
    }
}
