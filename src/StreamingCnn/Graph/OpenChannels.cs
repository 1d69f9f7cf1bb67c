namespace StreamingCnn.Graph;

/// <summary>
/// Finds how many channels a network asks of its image: traced with an open number, which the first layer with an opinion
/// fixes, through layers that make other numbers of it.
/// </summary>
internal static class OpenChannels
{
    /// <summary>Stands for the open number. No map has as many, and it can be divided by whatever layers divide channels by.</summary>
    public const long Number = 720_720L << 20;

    // More than any map has.
    private const long Most = 1 << 20;

    /// <summary>The number of channels; null where no layer has an opinion, or the network's own code asks for the number first.</summary>
    /// <param name="trace">Traces the network for an image of a number of channels.</param>
    public static long? Of(Func<long, TracedNetwork> trace)
    {
        try
        {
            trace(Number);
            return null;
        }
        catch (OpenChannelsException found)
        {
            return found.Channels;
        }
        catch (UnsupportedLayerException)
        {
            // The trace for a number will say what cannot be.
            return null;
        }
    }

    /// <summary>Ends the trace where a layer's wish tells the number.</summary>
    /// <param name="channels">Channels of the map that the layer gets, when the image has <see cref="Number"/>.</param>
    /// <param name="wanted">Channels that it asks for.</param>
    public static void Fix(long channels, long wanted)
    {
        if (channels == wanted)
            return;
        var (whole, rest) = Int128.DivRem((Int128)Number * wanted, channels);
        throw new OpenChannelsException(rest == 0 && whole <= Most ? (long)whole : null);
    }
}

/// <summary>Ends a trace with an open number of channels.</summary>
/// <param name="channels">The number that was found, if any.</param>
internal sealed class OpenChannelsException(long? channels) : Exception
{
    /// <summary>The number that was found, if any.</summary>
    public long? Channels => channels;
}
