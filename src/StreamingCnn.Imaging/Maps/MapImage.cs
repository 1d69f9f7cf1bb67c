namespace StreamingCnn.Imaging.Maps;

/// <summary>What a file of a map says of it.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public sealed record MapImage(long Height, long Width)
{
    /// <summary>Samples of a position, side by side.</summary>
    /// <value>The default value is 1.</value>
    public int Channels { get; init; } = 1;

    /// <summary>Type of the samples.</summary>
    /// <value>The default value is <see cref="MapSamples.Byte"/>.</value>
    public MapSamples Samples { get; init; }

    /// <summary>
    /// Colours of numbers of classes, for one channel of bytes. Smaller levels then hold every second position, and means otherwise.
    /// </summary>
    /// <value>The default value is null: numbers are brightness.</value>
    public IReadOnlyList<MapClass>? Classes { get; init; }

    /// <summary>Width of a position in micrometres; null when it is not known.</summary>
    public double? MicrometresAcross { get; init; }

    /// <summary>Height of a position in micrometres; null for <see cref="MicrometresAcross"/>.</summary>
    public double? MicrometresDown { get; init; }

    /// <summary>Where the map lies on the ground; null where nobody knows.</summary>
    public GeoReference? GeoReference { get; init; }

    /// <summary>A text about the map; empty for none.</summary>
    /// <value>The default value is empty.</value>
    public string Description { get; init; } = "";

    /// <summary>What the channels are called, in the form that GDAL reads; empty where they have no names.</summary>
    /// <value>The default value is empty.</value>
    public IReadOnlyList<string> ChannelNames { get; init; } = [];

    /// <summary>The value of positions without data, in the form that GDAL reads; NaN where that means it.</summary>
    /// <value>The default value is null: all positions have data.</value>
    public double? NoData { get; init; }

    /// <summary>Bytes of a position.</summary>
    internal int PositionBytes => Channels * SampleBytes;

    /// <summary>Bytes of a sample.</summary>
    internal int SampleBytes => Samples == MapSamples.Float32 ? sizeof(float) : 1;

    /// <summary>Throws unless the description makes sense.</summary>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Channels, 1);
        if (Classes is not null && (Channels != 1 || Samples != MapSamples.Byte))
            throw new ArgumentException($"Colours of classes are for one channel of bytes, and not for {Channels} of {Samples}.");
    }
}
