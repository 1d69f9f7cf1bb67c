namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>A tuple of Python. Lists are <see cref="List{T}"/>, None is null, numbers, strings and bytes are .NET's.</summary>
internal sealed record PickledTuple(IReadOnlyList<object?> Items)
{
    /// <summary>The tuple without items.</summary>
    public static readonly PickledTuple Empty = new([]);
}

/// <summary>A dictionary of Python in the order of its entries. Of two entries with one key the later counts.</summary>
internal sealed class PickledDictionary
{
    /// <summary>The entries, as they were added.</summary>
    public List<KeyValuePair<object?, object?>> Entries { get; } = [];
}

/// <summary>
/// A value of which nothing is needed, and for which this stands: a set, a device, a data type, any class or function
/// that is not known, and whatever a pickle would make by calling it. It may stand beside the weights, but is never
/// one.
/// </summary>
/// <param name="Name">What the pickle calls it.</param>
internal sealed record PickledTrifle(string Name);
