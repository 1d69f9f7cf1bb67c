namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>A tuple of Python. Lists are <see cref="List{T}"/>, None is null, numbers, strings and bytes are .NET's.</summary>
internal sealed record PickledTuple(IReadOnlyList<object?> Items);

/// <summary>A dictionary of Python in the order of its entries. Of two entries with one key the later counts.</summary>
internal sealed class PickledDictionary
{
    /// <summary>The entries, as they were added.</summary>
    public List<KeyValuePair<object?, object?>> Entries { get; } = [];
}

/// <summary>A value of which nothing is needed: a set, a counter, a device, a data type.</summary>
internal sealed record PickledTrifle(string Name);
