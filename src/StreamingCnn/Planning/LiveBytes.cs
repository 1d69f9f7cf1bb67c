namespace StreamingCnn.Planning;

/// <summary>Blocks of memory as they come and go, counted: how many bytes are alive, and how many were at most.</summary>
internal sealed class LiveBytes
{
    private readonly List<(long Bytes, int References)> blocks = [];

    /// <summary>Bytes alive.</summary>
    public long Now { get; private set; }

    /// <summary>The most bytes that were alive at once.</summary>
    public long Peak { get; private set; }

    /// <summary>A new block with one reference.</summary>
    public int New(long bytes)
    {
        blocks.Add((bytes, 1));
        Now += bytes;
        Peak = Math.Max(Peak, Now);
        return blocks.Count - 1;
    }

    /// <summary>Bytes of a block.</summary>
    public long Bytes(int block) => blocks[block].Bytes;

    /// <summary>One more reference to a block.</summary>
    public int Share(int block)
    {
        blocks[block] = blocks[block] with { References = blocks[block].References + 1 };
        return block;
    }

    /// <summary>One reference less; the last frees the block.</summary>
    public void Release(int block)
    {
        var (bytes, references) = blocks[block];
        blocks[block] = (bytes, references - 1);
        if (references == 1)
            Now -= bytes;
    }

    /// <summary>Counts the most from now on.</summary>
    public void ForgetPeak() => Peak = Now;

    /// <summary>Memory that is needed for a moment besides what is alive.</summary>
    public void Touch(long bytes) => Peak = Math.Max(Peak, Now + bytes);
}
