namespace StreamingCnn.Reductions;

/// <summary>What the maps of a reduction must have in common.</summary>
internal static class OperandChannels
{
    /// <summary>That each further map has one channel, for all of the first one's, or a channel for each.</summary>
    /// <exception cref="ArgumentException">It is not so.</exception>
    public static void Check(string name, IReadOnlyList<long> channels, int operands)
    {
        if (channels.Count != operands)
            throw new ArgumentException($"{name} is taken of {operands} map(s), but was given {channels.Count}.");
        if (channels.FirstOrDefault(count => count != 1 && count != channels[0]) is > 0 and var wrong)
            throw new ArgumentException($"{name} cannot take a map of {channels[0]} channels with one of {wrong}; give that one 1 channel, or as many as the first.");
    }
}
