namespace StreamingCnn.Interop;

/// <summary>Until it is disposed, or nobody has it any more, the tensors' heap keeps to what a run says that it will take.</summary>
internal sealed class HeapExpectation : IDisposable
{
    private long bytes;

    /// <param name="bytes">Bytes of tensors that will be alive at most, besides those that are now.</param>
    public HeapExpectation(long bytes) => TensorHeap.Expect(this.bytes = bytes, begins: true);

    /// <summary>A run that nobody disposed has ended all the same.</summary>
    ~HeapExpectation() => End();

    /// <inheritdoc/>
    public void Dispose()
    {
        End();
        GC.SuppressFinalize(this);
    }

    private void End()
    {
        if (Interlocked.Exchange(ref bytes, 0) is > 0 and var expected)
            TensorHeap.Expect(expected, begins: false);
    }
}
