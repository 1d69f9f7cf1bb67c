namespace StreamingCnn.Attacks.Tests;

/// <summary>A reader of files under attack.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Samples">Sound files, which are damaged, and files that somebody made to do harm, which are read as they are.</param>
/// <param name="Read">Reads a file and all that belongs to it.</param>
/// <param name="Refusals">The exceptions by which it may refuse a file.</param>
/// <param name="Share">Damaged files in CI.</param>
internal sealed record Target(string Name, Func<IReadOnlyList<Sample>> Samples, Action<string> Read, Type[] Refusals, int Share)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A file to read.</summary>
/// <param name="Name">What it is, with the ending.</param>
/// <param name="Bytes">Its bytes, or the part of them that is damaged.</param>
/// <param name="Wrap">Makes the file of the damaged part, so that lengths and sums around it are right; null where that is all.</param>
/// <param name="IsHarmful">Whether it is harmful as it is, and so read once and as it is.</param>
internal sealed record Sample(string Name, byte[] Bytes, Func<byte[], byte[]>? Wrap = null, bool IsHarmful = false)
{
    /// <summary>The file around a part.</summary>
    public byte[] File(byte[] part) => Wrap?.Invoke(part) ?? part;
}
