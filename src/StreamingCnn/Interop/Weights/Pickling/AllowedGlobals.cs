using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// The only names that a pickle may speak of. Each stands for data that is put together here; nothing is looked up by name
/// anywhere, so nothing that is not in this list can happen.
/// </summary>
internal static class AllowedGlobals
{
    private static readonly Dictionary<string, ScalarType> Storages = new()
    {
        ["torch.DoubleStorage"] = ScalarType.Float64,
        ["torch.FloatStorage"] = ScalarType.Float32,
        ["torch.HalfStorage"] = ScalarType.Float16,
        ["torch.BFloat16Storage"] = ScalarType.BFloat16,
        ["torch.LongStorage"] = ScalarType.Int64,
        ["torch.IntStorage"] = ScalarType.Int32,
        ["torch.ShortStorage"] = ScalarType.Int16,
        ["torch.CharStorage"] = ScalarType.Int8,
        ["torch.ByteStorage"] = ScalarType.Byte,
        ["torch.BoolStorage"] = ScalarType.Bool,
    };

    private static readonly Dictionary<string, Func<IReadOnlyList<object?>, object?>> Constructors = new()
    {
        ["collections.OrderedDict"] = Dictionary,
        ["torch._utils._rebuild_tensor"] = Tensor,
        ["torch._utils._rebuild_tensor_v2"] = Tensor,
        ["torch._utils._rebuild_parameter"] = items => Item<PickledTensor>(items, 0, "a parameter's tensor"),
        ["torch.Size"] = items => items.Count == 1 && items[0] is PickledTuple sizes ? sizes : new PickledTuple(items),

        // What else stands in checkpoints beside the weights, such as the state of a schedule.
        ["collections.Counter"] = _ => new PickledTrifle("collections.Counter"),
        ["torch.device"] = _ => new PickledTrifle("torch.device"),
        ["builtins.set"] = _ => new PickledTrifle("set"),
        ["__builtin__.set"] = _ => new PickledTrifle("set"),
    };

    private static readonly HashSet<string> DataTypes =
    [
        "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32", "torch.int16", "torch.int8", "torch.uint8", "torch.bool",
    ];

    /// <summary>What a name stands for: a <see cref="Constructor"/>, a <see cref="StorageType"/> or a trifle.</summary>
    /// <exception cref="PickleException">The name is not in the list.</exception>
    public static object Find(string module, string name)
    {
        var full = $"{module}.{name}";
        if (Storages.TryGetValue(full, out var type))
            return new StorageType(type);
        if (Constructors.TryGetValue(full, out var build))
            return new Constructor(full, build);
        if (DataTypes.Contains(full))
            return new PickledTrifle(full);
        throw Refused(full);
    }

    /// <summary>The refusal of a name.</summary>
    public static PickleException Refused(string name) => new(
        $"it asks for '{(name.Length <= 120 ? name : name[..120] + "…")}', which is not data, and nothing but tensors in plain containers is read "
        + "(save the model's state_dict() alone to get a file that can be read)");

    private static PickledDictionary Dictionary(IReadOnlyList<object?> items)
    {
        var made = new PickledDictionary();
        if (items.Count == 0)
            return made;

        // Python 2 hands over a list of pairs.
        foreach (var item in Item<List<object?>>(items, 0, "an OrderedDict's entries"))
        {
            var pair = item switch
            {
                PickledTuple tuple => tuple.Items,
                List<object?> list => list,
                _ => [],
            };
            if (pair.Count != 2)
                throw new PickleException("an OrderedDict's entries are not pairs");
            made.Entries.Add(new(pair[0], pair[1]));
        }

        return made;
    }

    private static PickledTensor Tensor(IReadOnlyList<object?> items) => PickledTensor.Create(
        Item<PickledStorage>(items, 0, "a tensor's storage"),
        Item<long>(items, 1, "a tensor's offset"),
        Integers(Item<PickledTuple>(items, 2, "a tensor's shape")),
        Integers(Item<PickledTuple>(items, 3, "a tensor's strides")));

    private static long[] Integers(PickledTuple tuple) => [.. tuple.Items.Select((_, i) => Item<long>(tuple.Items, i, "a size or stride"))];

    private static T Item<T>(IReadOnlyList<object?> items, int index, string what) =>
        index < items.Count && items[index] is T item ? item : throw new PickleException($"{what} is missing or of the wrong kind");

    /// <summary>A name that may be called.</summary>
    internal sealed record Constructor(string Name, Func<IReadOnlyList<object?>, object?> Build);

    /// <summary>The name of a type of storage.</summary>
    internal sealed record StorageType(ScalarType Type);
}
