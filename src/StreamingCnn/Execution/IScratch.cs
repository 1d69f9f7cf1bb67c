namespace StreamingCnn.Execution;

/// <summary>
/// Room for bytes in a place that is slower or further away than the device's memory. Threads may use it at the same time.
/// </summary>
internal interface IScratch : IDisposable
{
    /// <summary>The most bytes that it took so far, gaps included.</summary>
    long Length { get; }

    /// <summary>Takes a block.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <returns>Where it starts.</returns>
    long Take(long bytes);

    /// <summary>Gives a block back.</summary>
    /// <param name="start">What <see cref="Take"/> returned.</param>
    void Give(long start);

    /// <summary>Writes some bytes of a block.</summary>
    void Write(ReadOnlySpan<byte> bytes, long position);

    /// <summary>Reads bytes of a block that have been written.</summary>
    void Read(Span<byte> bytes, long position);
}
