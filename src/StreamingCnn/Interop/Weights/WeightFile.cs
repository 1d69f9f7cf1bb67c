using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Interop.Weights;

/// <summary>A module's parameters and buffers in a file, under the names that PyTorch gives them.</summary>
public static class WeightFile
{
    private const string DataParallelPrefix = "module.";

    // Older files have no counters of batches, modules without them exist too, and evaluation does not need them.
    private const string BatchCounter = "num_batches_tracked";

    /// <summary>Writes a module's parameters and buffers as safetensors.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Save(Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        Safetensors.Write(path, module.state_dict(), metadata);
    }

    /// <summary>Reads a file's tensors: safetensors or what PyTorch's <c>torch.save</c> writes, told apart by their first bytes.</summary>
    /// <returns>The tensors by name, in the file's order, on the CPU, owned by the caller.</returns>
    /// <exception cref="WeightFileException">The file is missing, of another kind, damaged, or a pickle that asks for more than tensors.</exception>
    public static OrderedDictionary<string, Tensor> Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return IsSafetensors(path) ? Safetensors.Read(path) : PyTorchStateDict.Read(path);
    }

    /// <summary>Copies a file's tensors into a module's parameters and buffers of the same names, converting their type.</summary>
    /// <param name="module">The module; changed only when everything fits.</param>
    /// <param name="path">
    /// The file, as in <see cref="Read"/>. A prefix <c>module.</c> that all names share, as data-parallel training leaves it, is taken off.
    /// </param>
    /// <param name="strict">Whether names that are in only one of the two are an error. Wrong shapes always are.</param>
    /// <exception cref="WeightMismatchException">The file does not fit; all misfits are named together.</exception>
    /// <exception cref="WeightFileException">The file cannot be read.</exception>
    public static void Load(Module module, string path, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        using var scope = NewDisposeScope();
        var found = Read(path).ToDictionary();
        if (found.Count > 0 && found.Keys.All(name => name.StartsWith(DataParallelPrefix, StringComparison.Ordinal)))
            found = found.ToDictionary(f => f.Key[DataParallelPrefix.Length..], f => f.Value);

        var wanted = module.state_dict();
        var missing = wanted.Keys.Except(found.Keys).Where(name => strict && !IsBatchCounter(name)).ToArray();
        var unexpected = found.Keys.Except(wanted.Keys).Where(name => strict && !IsBatchCounter(name)).ToArray();
        var wronglyShaped = wanted.Where(w => found.TryGetValue(w.Key, out var value) && !value.shape.SequenceEqual(w.Value.shape)).Select(w => w.Key).ToArray();
        var problems = new List<string>();
        Report("lacks", missing);
        Report("has the unknown", unexpected);
        problems.AddRange(wronglyShaped.Select(name => $"has '{name}' as [{string.Join(", ", found[name].shape)}] instead of [{string.Join(", ", wanted[name].shape)}]"));
        if (problems.Count > 0)
        {
            throw new WeightMismatchException(
                $"The weights in '{path}' do not fit the {module.GetType().Name}: the file {string.Join("; it ", problems)}{HintAtPrefix(wanted.Keys, found.Keys)}.")
            {
                Missing = missing,
                Unexpected = unexpected,
                WronglyShaped = wronglyShaped,
            };
        }

        using var grad = no_grad();
        foreach (var (name, target) in wanted)
        {
            if (found.TryGetValue(name, out var value))
                target.copy_(value);
        }

        void Report(string what, string[] names)
        {
            if (names.Length > 0)
                problems.Add($"{what} {string.Join(", ", names.Take(5).Select(name => $"'{name}'"))}{(names.Length > 5 ? $" and {names.Length - 5} more" : "")}");
        }
    }

    /// <summary>Opens a file of weights.</summary>
    /// <exception cref="WeightFileException">It is not there, or may not be read.</exception>
    internal static FileStream Open(string path)
    {
        if (Directory.Exists(path))
            throw new WeightFileException($"'{path}' is a folder, not a file of weights.");
        if (!File.Exists(path))
            throw new WeightFileException($"There is no file '{path}'.");
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new WeightFileException($"'{path}' cannot be read: {reason.Message}", reason);
        }
    }

    /// <summary>
    /// Whether a file is to be read as safetensors. Zip files and the pickles of every protocol but the first start with bytes of their own; what starts with
    /// neither can only be safetensors, whose first bytes are a length, with a brace behind it.
    /// </summary>
    private static bool IsSafetensors(string path)
    {
        using var file = Open(path);
        Span<byte> start = stackalloc byte[9];
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (read == start.Length && start[8] == '{')
            return true;
        return !(read > 1 && (start[0] is 0x80 or (byte)'c' or (byte)'(' || start[..2].SequenceEqual("PK"u8)));
    }

    private static bool IsBatchCounter(string name) => name.EndsWith(BatchCounter, StringComparison.Ordinal);

    /// <summary>The fix, where the names differ only by a prefix that all of one side have.</summary>
    private static string HintAtPrefix(ICollection<string> wanted, ICollection<string> found)
    {
        if (Prefix(wanted, found) is { } added)
            return $" (all names would fit if '{added}' were taken off those in the file: load into the part of the model that they belong to, or save that part alone)";
        if (Prefix(found, wanted) is { } lacking)
            return $" (all names would fit if '{lacking}' were put before those in the file: load into the part of the module of that name)";
        return "";

        static string? Prefix(ICollection<string> plain, ICollection<string> prefixed)
        {
            var needed = plain.Where(name => !IsBatchCounter(name)).ToArray();
            if (needed.Length == 0)
                return null;
            var names = prefixed.ToHashSet();
            return names.Where(name => name.EndsWith("." + needed[0], StringComparison.Ordinal))
                .Select(name => name[..^needed[0].Length])
                .FirstOrDefault(prefix => needed.All(name => names.Contains(prefix + name)));
        }
    }
}
