using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// What the names of classes and functions in a pickle stand for. A few stand for data that is put together here; all
/// others for nothing: they are looked up nowhere and never called, and whatever a pickle would make with them becomes
/// a <see cref="PickledTrifle"/>.
/// </summary>
internal static class AllowedGlobals
{
    private const int LongestName = 1000;

    private static readonly Dictionary<string, StorageType> Storages = new StorageType[]
    {
        new("torch.DoubleStorage", ScalarType.Float64, 8),
        new("torch.FloatStorage", ScalarType.Float32, 4),
        new("torch.HalfStorage", ScalarType.Float16, 2),
        new("torch.BFloat16Storage", ScalarType.BFloat16, 2),
        new("torch.LongStorage", ScalarType.Int64, 8),
        new("torch.IntStorage", ScalarType.Int32, 4),
        new("torch.ShortStorage", ScalarType.Int16, 2),
        new("torch.CharStorage", ScalarType.Int8, 1),
        new("torch.ByteStorage", ScalarType.Byte, 1),
        new("torch.BoolStorage", ScalarType.Bool, 1),

        // Passed over, for which their size is needed.
        new("torch.ComplexDoubleStorage", null, 16),
        new("torch.ComplexFloatStorage", null, 8),
        new("torch.QInt8Storage", null, 1),
        new("torch.QUInt8Storage", null, 1),
        new("torch.QInt32Storage", null, 4),
        new("torch.QUInt4x2Storage", null, 1),
        new("torch.QUInt2x4Storage", null, 1),
        new("torch.UntypedStorage", null, 1),
        new("torch.storage.UntypedStorage", null, 1),
    }.ToDictionary(type => type.Name);

    private static readonly Dictionary<string, Func<IReadOnlyList<object?>, ParsingBudget, object?>> Constructors = new()
    {
        ["collections.OrderedDict"] = Dictionary,
        ["collections.defaultdict"] = (_, _) => new PickledDictionary(),
        ["torch._utils._rebuild_tensor"] = Tensor,
        ["torch._utils._rebuild_tensor_v2"] = Tensor,
        ["torch._utils._rebuild_parameter"] = Parameter,
        ["torch._utils._rebuild_parameter_with_state"] = Parameter,
        ["torch.nn.parameter.Parameter"] = Parameter,
        ["torch.nn.parameter.Buffer"] = Parameter,
        ["torch._tensor._rebuild_from_type_v2"] = Rebuild,
        ["torch.Size"] = (items, _) => items.Count == 1 && items[0] is PickledTuple sizes ? sizes : new PickledTuple(items),
    };

    // Classes of plain tensors, which add nothing to the values.
    private static readonly HashSet<string> PlainTensors = ["torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"];

    // What a file of weights has no use for, and an attack has. Nothing of it would be run; but who made such a file
    // meant harm, and should be known.
    private static readonly HashSet<string> AttackingModules =
    [
        "os", "posix", "nt", "subprocess", "popen2", "pty", "sys", "shutil", "socket",
        "ctypes", "importlib", "runpy", "webbrowser", "marshal", "pickle", "_pickle", "cPickle", "pip",
    ];

    private static readonly HashSet<string> AttackingBuiltins =
    [
        "eval", "exec", "execfile", "compile", "open", "file", "__import__", "input", "breakpoint",
        "apply", "reload", "globals", "locals", "vars", "setattr", "delattr",
    ];

    private static readonly HashSet<string> AttackingFunctions =
    [
        "torch.load", "torch.hub.load", "torch.jit.load", "torch.serialization.load",
        "torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline", "torch.jit.unsupported_tensor_ops.execWrapper",
        "numpy.load", "numpy.testing._private.utils.runstring", "pandas.read_pickle", "joblib.load", "timeit.timeit",
        "timeit.main", "pdb.run", "bdb.Bdb.run", "cProfile.run", "cProfile.runctx",
        "profile.run", "profile.runctx", "doctest.debug_script", "code.interact",
        "code.InteractiveInterpreter.runcode", "commands.getoutput", "commands.getstatusoutput", "platform.popen",
        "multiprocessing.util.spawnv_passfds", "asyncio.unix_events._UnixSubprocessTransport._start",
        "logging.config._resolve", "types.CodeType", "types.FunctionType",
    ];

    private static readonly HashSet<string> AttackingAttributes =
        ["os", "posix", "subprocess", "__globals__", "__builtins__", "__subclasses__", "__import__", "__code__"];

    /// <summary>What a name stands for: a <see cref="Constructor"/>, a <see cref="StorageType"/> or a trifle.</summary>
    /// <exception cref="PickleException">The name belongs to an attack.</exception>
    public static object Find(string module, string name)
    {
        if (module.Length + name.Length > LongestName)
            throw new PickleException($"it names a class by {module.Length + name.Length} characters");
        var full = $"{module}.{name}";
        if (IsAttack(full))
            throw Refused(full);
        if (Storages.TryGetValue(full, out var type))
            return type;
        return Constructors.TryGetValue(full, out var build) ? new Constructor(full, build) : new PickledTrifle(full);
    }

    /// <summary>The name in Python of storages with values of a type; null where there is none.</summary>
    public static string? StorageOf(ScalarType type) => Storages.Values.FirstOrDefault(storage => storage.Type == type)?.Name;

    /// <summary>The refusal of a name.</summary>
    private static PickleException Refused(string name) => new(
        $"it asks for '{Excerpt.Of(name)}', which is not data, and nothing but tensors in plain containers is read "
        + "(save the model's state_dict() alone to get a file that can be read)");

    private static bool IsAttack(string full)
    {
        // A later version of the format lets a name lead from attribute to attribute, through whatever a module has imported.
        var parts = full.Split('.');
        return AttackingModules.Contains(parts[0])
            || (parts[0] is "builtins" or "__builtin__" && parts.Skip(1).Any(AttackingBuiltins.Contains))
            || AttackingFunctions.Contains(full)
            || parts.Skip(1).Any(AttackingAttributes.Contains);
    }

    private static object Dictionary(IReadOnlyList<object?> items, ParsingBudget budget)
    {
        var made = new PickledDictionary();
        if (items.Count == 0)
            return made;
        if (items[0] is PickledTrifle trifle)
            return trifle;

        // Python 2 hands over a list of pairs. A list may be handed over again and again.
        var pairs = Item<List<object?>>(items, 0, "an OrderedDict's entries");
        budget.Allocate(32L * pairs.Count);
        budget.Work(pairs.Count);
        foreach (var item in pairs)
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

    private static object Tensor(IReadOnlyList<object?> items, ParsingBudget budget)
    {
        if (items.Count > 0 && items[0] is PickledTrifle trifle)
            return trifle;
        var storage = Item<PickledStorage>(items, 0, "a tensor's storage");
        if (storage.Type.Type is null)
            return new PickledTrifle(storage.Type.Name);
        budget.Allocate(256);
        return PickledTensor.Create(
            storage,
            Item<long>(items, 1, "a tensor's offset"),
            Integers(Item<PickledTuple>(items, 2, "a tensor's shape")),
            Integers(Item<PickledTuple>(items, 3, "a tensor's strides")),
            budget);
    }

    private static object Parameter(IReadOnlyList<object?> items, ParsingBudget budget) =>
        items.Count > 0 && items[0] is PickledTrifle trifle ? trifle : Item<PickledTensor>(items, 0, "a parameter's tensor");

    /// <summary>A tensor with attributes, which are dropped, or of a class derived from tensors, whose values may mean anything.</summary>
    private static object? Rebuild(IReadOnlyList<object?> items, ParsingBudget budget)
    {
        var type = items.Count > 1 ? items[1] : null;
        var name = type switch
        {
            PickledTrifle trifle => trifle.Name,
            Constructor made => made.Name,
            _ => "an unknown class of tensors",
        };
        return PlainTensors.Contains(name) && items[0] is Constructor constructor
            ? constructor.Build(Item<PickledTuple>(items, 2, "a tensor's description").Items, budget)
            : new PickledTrifle(name);
    }

    private static long[] Integers(PickledTuple tuple) => tuple.Items.Count <= PickledTensor.MostDimensions
        ? [.. tuple.Items.Select((_, i) => Item<long>(tuple.Items, i, "a size or stride"))]
        : throw new PickleException($"a tensor has {tuple.Items.Count} dimensions");

    private static T Item<T>(IReadOnlyList<object?> items, int index, string what) =>
        index < items.Count && items[index] is T item ? item : throw new PickleException($"{what} is missing or of the wrong kind");

    /// <summary>A name that may be called.</summary>
    internal sealed record Constructor(string Name, Func<IReadOnlyList<object?>, ParsingBudget, object?> Build);

    /// <summary>The name of a type of storage.</summary>
    /// <param name="Name">The name in Python.</param>
    /// <param name="Type">The values' type; null for one that no weights are read of.</param>
    /// <param name="Size">Bytes that a value takes.</param>
    internal sealed record StorageType(string Name, ScalarType? Type, int Size);
}
