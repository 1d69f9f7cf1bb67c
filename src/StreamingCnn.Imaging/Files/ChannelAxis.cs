namespace StreamingCnn.Imaging;

/// <summary>Where the channels of an array of three axes stand.</summary>
public enum ChannelAxis
{
    /// <summary>(channels, height, width).</summary>
    First,

    /// <summary>(height, width, channels).</summary>
    Last,
}
