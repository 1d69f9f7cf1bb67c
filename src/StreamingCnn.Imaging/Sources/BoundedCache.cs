namespace StreamingCnn.Imaging;

/// <summary>Keeps the values used last, up to a number of bytes.</summary>
internal sealed class BoundedCache<TKey, TValue>(long capacity, Func<TValue, long> size)
    where TKey : notnull
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value)> order = new();

    /// <summary>Bytes held now.</summary>
    public long Held { get; private set; }

    /// <summary>The value of a key, made if it is not held. The value made last is always held, however large.</summary>
    public TValue Get(TKey key, Func<TKey, TValue> make)
    {
        if (nodes.TryGetValue(key, out var node))
        {
            order.Remove(node);
            order.AddFirst(node);
            return node.Value.Value;
        }

        var value = make(key);
        nodes[key] = order.AddFirst((key, value));
        Held += size(value);
        while (Held > capacity && order.Count > 1)
        {
            var last = order.Last!.Value;
            order.RemoveLast();
            nodes.Remove(last.Key);
            Held -= size(last.Value);
        }

        return value;
    }
}
