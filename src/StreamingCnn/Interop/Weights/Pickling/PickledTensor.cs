namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>A block of values that stands outside of the pickle, and which several tensors may share.</summary>
/// <param name="Type">The values' type.</param>
/// <param name="Key">The block's name within the file.</param>
/// <param name="Count">Values in the block.</param>
/// <param name="Offset">First value of the part that this storage is; 0 but for the views of storages in the old format.</param>
/// <param name="Length">Values in that part.</param>
internal sealed record PickledStorage(AllowedGlobals.StorageType Type, string Key, long Count, long Offset, long Length);

/// <summary>A tensor as a strided view of a storage.</summary>
/// <param name="Storage">Where its values are.</param>
/// <param name="Offset">First value within the storage.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Strides">Steps in values, one for each size.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>More dimensions than libtorch computes with.</summary>
    public const int MostDimensions = 64;

    /// <summary>Makes a tensor from what a pickle says, which may be anything.</summary>
    /// <exception cref="PickleException">The view does not lie within its storage.</exception>
    /// <exception cref="ParsingBudgetException">
    /// Its values repeat those of the storage so often that a copy of it would fill the memory.
    /// </exception>
    public static PickledTensor Create(PickledStorage storage, long offset, long[] shape, long[] strides, ParsingBudget budget)
    {
        if (shape.Length != strides.Length)
            throw new PickleException($"a tensor has {shape.Length} sizes but {strides.Length} strides");
        if (offset < 0 || shape.Any(size => size < 0) || strides.Any(stride => stride < 0))
            throw new PickleException("a tensor has a negative size, stride or offset");

        // Sizes may be such that their product does not fit 64 bits, on purpose.
        if (shape
            .Aggregate(
                (UInt128)1,
                (product, size) => size == 0 || product == 0 ? 0 : product > long.MaxValue ? product : product * (ulong)size) is var count
                && count > long.MaxValue)
            throw new PickleException($"a tensor of shape [{Excerpt.Of(shape)}] has too many values");
        var last = (Int128)offset;
        for (var i = 0; i < shape.Length; i++)
            last += (Int128)(shape[i] - 1) * strides[i];
        if (count > 0 && last >= storage.Length)
            throw new PickleException($"a tensor of shape [{Excerpt.Of(shape)}] reaches beyond its storage of {storage.Length} values");
        if (count > (ulong)storage.Length)
            budget.Allocate((long)UInt128.Min(count, long.MaxValue / 8) * storage.Type.Size);
        return new(storage, offset, shape, strides);
    }

    /// <summary>Whether two names stand for the same values.</summary>
    public bool Equals(PickledTensor? other) =>
        other is not null && Storage == other.Storage && Offset == other.Offset
        && Shape.SequenceEqual(other.Shape) && Strides.SequenceEqual(other.Strides);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Storage, Offset, Shape.Length);
}
