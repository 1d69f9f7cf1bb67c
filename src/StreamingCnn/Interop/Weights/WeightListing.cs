using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights;

/// <summary>What a file of weights holds, by name, before any value is read.</summary>
internal sealed class WeightListing
{
    /// <summary>The deepest of networks have names of some hundred characters.</summary>
    public const int LongestName = 4096;

    private readonly OrderedDictionary<string, ListedTensor> tensors = [];
    private readonly Dictionary<string, string> objects = [];
    private readonly HashSet<string> entries = [""];

    /// <summary>The tensors in the file's order; names of nested dictionaries are joined by points.</summary>
    public IReadOnlyDictionary<string, ListedTensor> Tensors => tensors;

    /// <summary>What is no tensor and no plain container: names, and the class that the file names.</summary>
    public IReadOnlyDictionary<string, string> Objects => objects;

    /// <summary>The names of dictionaries; the file itself is one without a name.</summary>
    public IReadOnlySet<string> Entries => entries;

    /// <summary>The dictionary in which training programs put the weights, or "".</summary>
    public string Usual { get; set; } = "";

    /// <summary>The beginning of all names in a dictionary.</summary>
    public static string Beginning(string entry) => entry.Length == 0 ? "" : entry + ".";

    /// <returns>False when there is a tensor of that name already.</returns>
    public bool TryAdd(string name, ListedTensor tensor) => tensors.TryAdd(name, tensor);

    public void AddObject(string name, string kind) => objects[name] = kind;

    public void AddEntry(string name) => entries.Add(name);

    /// <summary>The names in a dictionary and those below it.</summary>
    public IEnumerable<string> Under(string entry) =>
        tensors.Keys.Where(name => name.StartsWith(Beginning(entry), StringComparison.Ordinal));
}

/// <summary>A tensor in a file.</summary>
/// <param name="Shape">Its sizes.</param>
/// <param name="Type">The type of its values.</param>
/// <param name="Source">Where its values are: equal for two names of the same values.</param>
internal sealed record ListedTensor(long[] Shape, ScalarType Type, object Source);
