using System.Globalization;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>The named tensors of what a pickle holds.</summary>
internal static class PickledListing
{
    // Where training programs put the weights within a checkpoint, the most specific name first.
    private static readonly string[] UsualNames =
        ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights"];

    // A dictionary that contains itself would never end; no checkpoint comes near.
    private const int DeepestNesting = 32;

    private const string Advice = "(save the model's state_dict() alone to get a file that can be read)";

    /// <summary>Lists them.</summary>
    /// <exception cref="PickleException">There are none.</exception>
    public static WeightListing Of(object? root, ParsingBudget budget)
    {
        if (root is PickledTrifle trifle)
            throw new PickleException($"it holds an object of '{Excerpt.Of(trifle.Name)}', not a dictionary of tensors {Advice}");
        if (root is not PickledDictionary all)
            throw new PickleException("it holds no dictionary of tensors");
        var listing = new WeightListing();

        // Each dictionary once: a pickle of a few hundred bytes can name one dictionary in another 2^100 times.
        var seen = new HashSet<PickledDictionary>(ReferenceEqualityComparer.Instance);
        Add(all, "", 0);
        if (listing.Tensors.Count == 0)
        {
            throw new PickleException(listing.Objects.Count == 0 ? "it holds no dictionary of tensors"
                : $"it holds no dictionary of tensors, but objects such as '{Excerpt.Of(listing.Objects.First().Key)}' "
                    + $"of '{Excerpt.Of(listing.Objects.First().Value)}' {Advice}");
        }

        listing.Usual = UsualNames.FirstOrDefault(name => listing.Entries.Contains(name) && listing.Under(name).Any()) ?? "";
        return listing;

        void Add(PickledDictionary from, string prefix, int depth)
        {
            if (depth > DeepestNesting || !seen.Add(from))
                return;
            var entries = new OrderedDictionary<string, object?>();
            foreach (var (key, value) in from.Entries)
            {
                var name = key switch
                {
                    string text => text,
                    long number => number.ToString(CultureInfo.InvariantCulture),
                    _ => null,
                };
                budget.Allocate(64 + 2L * (prefix.Length + name?.Length ?? 0));
                if (name is not null)
                    entries[name] = value;
            }

            foreach (var (key, value) in entries)
            {
                var name = prefix + key;
                if (name.Length > WeightListing.LongestName)
                    throw new PickleException($"the name '{Excerpt.Of(name)}' has {name.Length} characters");
                if (value is PickledTensor tensor)
                {
                    if (!listing.TryAdd(name, new(tensor.Shape, tensor.Storage.Type.Type!.Value, tensor)))
                        throw new PickleException($"the tensor '{Excerpt.Of(name)}' is there twice");
                }
                else if (value is PickledTrifle other)
                    listing.AddObject(name, other.Name);
                else if (value is PickledDictionary inner)
                {
                    listing.AddEntry(name);
                    Add(inner, name + ".", depth + 1);
                }
            }
        }
    }
}
