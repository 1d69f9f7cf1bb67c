using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Interop.Weights;

/// <summary>A module's parameters and buffers in a safetensors file, under the names that PyTorch gives them.</summary>
public static class WeightFile
{
    private const string DataParallelPrefix = "module.";

    /// <summary>Writes a module's parameters and buffers.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Save(Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        Safetensors.Write(path, module.state_dict(), metadata);
    }

    /// <summary>Copies a file's tensors into a module's parameters and buffers of the same names, converting their type.</summary>
    /// <param name="module">The module; changed only when everything fits.</param>
    /// <param name="path">The file. A prefix <c>module.</c> that all names share, as data-parallel training leaves it, is taken off.</param>
    /// <param name="strict">Whether names that are in only one of the two are an error.</param>
    /// <exception cref="WeightFileException">The file cannot be read or does not fit; all misfits are named together.</exception>
    public static void Load(Module module, string path, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var found = Safetensors.Read(path).ToDictionary();
        if (found.Count > 0 && found.Keys.All(name => name.StartsWith(DataParallelPrefix, StringComparison.Ordinal)))
            found = found.ToDictionary(f => f.Key[DataParallelPrefix.Length..], f => f.Value);

        var wanted = module.state_dict();
        var problems = new List<string>();
        if (strict)
        {
            // Older files have no counters of batches, and evaluation does not need them.
            Report("lacks", wanted.Keys.Except(found.Keys).Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)));
            Report("has the unknown", found.Keys.Except(wanted.Keys));
        }

        foreach (var (name, target) in wanted)
        {
            if (found.TryGetValue(name, out var value) && !value.shape.SequenceEqual(target.shape))
                problems.Add($"has '{name}' as [{string.Join(", ", value.shape)}] instead of [{string.Join(", ", target.shape)}]");
        }

        if (problems.Count > 0)
            throw new WeightFileException($"The weights in '{path}' do not fit the {module.GetType().Name}: the file {string.Join("; it ", problems)}.");

        using var grad = no_grad();
        foreach (var (name, target) in wanted)
        {
            if (found.TryGetValue(name, out var value))
                target.copy_(value);
        }

        void Report(string what, IEnumerable<string> names)
        {
            var all = names.ToArray();
            if (all.Length > 0)
                problems.Add($"{what} {string.Join(", ", all.Take(5).Select(name => $"'{name}'"))}{(all.Length > 5 ? $" and {all.Length - 5} more" : "")}");
        }
    }
}
