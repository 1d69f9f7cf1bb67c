using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights;

/// <summary>Compares what a module wants with what a file holds, before any value is read.</summary>
/// <param name="kind">What the module is called.</param>
/// <param name="wanted">Its parameters and buffers.</param>
/// <param name="path">The file.</param>
/// <param name="strict">Whether names that are in only one of the two are an error.</param>
internal sealed class WeightFit(string kind, Dictionary<string, Tensor> wanted, string path, bool strict)
{
    // Older files have no counters of batches, modules without them exist too, and evaluation does not need them.
    private const string BatchCounter = "num_batches_tracked";

    /// <summary>What was found by <see cref="Names"/>.</summary>
    public LoadedWeights Loaded { get; private set; } = new("", "", []);

    /// <summary>What stands before the module's names in the file.</summary>
    /// <exception cref="WeightFileException">It is not to be told, or nothing in the file fits.</exception>
    public string Place(WeightListing listing, string? chosen)
    {
        var search = new WeightPartSearch(wanted.Where(w => !IsBatchCounter(w.Key)).ToDictionary(w => w.Key, w => w.Value.shape), listing);
        try
        {
            var place = chosen is null
                ? search.Find()
                : search.Find(chosen) ?? (chosen.Length == 0 ? WeightListing.Beginning(listing.Usual) : throw Unknown(chosen));
            var (entry, prefix) = search.Split(place);
            Loaded = new(entry, prefix, []);
            return strict || (chosen is null ? search.IsCertain(place) : search.Has(place))
                ? place
                : throw Foreign(search.Has(place) ? place : null);
        }
        catch (AmbiguousPrefixException several)
        {
            throw new WeightFileException(
                $"In '{path}' the names of the {kind} stand behind several prefixes, {Some(several.Prefixes)}, with different values: "
                + "choose one of them by --weights-prefix, or by the argument prefix of WeightFile.Load.");
        }
    }

    /// <summary>The names in the file, behind <paramref name="place"/>, of what the module wants.</summary>
    /// <exception cref="WeightMismatchException">It does not fit; all misfits are named together.</exception>
    public IReadOnlyCollection<string> Names(WeightListing listing, string place)
    {
        // What stands beside a part that was found by its prefix belongs to other parts.
        var whole = Loaded.Prefix.Length == 0 ? WeightListing.Beginning(Loaded.Entry) : place;
        var missing = wanted.Keys.Where(name => strict && !IsBatchCounter(name) && !listing.Tensors.ContainsKey(place + name)).ToArray();
        var known = wanted.Keys.Select(name => place + name).ToHashSet();
        var beside = listing.Under(Loaded.Entry).Where(name => !known.Contains(name) && !IsBatchCounter(name)).ToArray();
        var unexpected = beside
            .Where(name => strict && name.StartsWith(whole, StringComparison.Ordinal))
            .Select(name => name[whole.Length..])
            .ToArray();
        var both = wanted
            .Where(w => listing.Tensors.ContainsKey(place + w.Key))
            .Select(w => (Name: w.Key, w.Value.shape, w.Value.dtype, There: listing.Tensors[place + w.Key]))
            .ToArray();
        var wronglyShaped = both.Where(b => !b.shape.SequenceEqual(b.There.Shape)).ToArray();
        var wronglyTyped = both.Where(b => !IsBatchCounter(b.Name) && IsReal(b.dtype) != IsReal(b.There.Type)).ToArray();
        var problems = new List<string>();
        Report("lacks", missing);
        Report("has the unknown", unexpected);
        problems.AddRange(wronglyShaped.Select(b => $"has '{b.Name}' as [{Excerpt.Of(b.There.Shape)}] instead of [{Excerpt.Of(b.shape)}]"));
        problems.AddRange(wronglyTyped.Take(5)
            .Select(b => $"has '{b.Name}' as {b.There.Type}, which are no values of {b.dtype}, as quantised weights are not"));
        problems.AddRange(missing.Where(name => listing.Objects.ContainsKey(place + name)).Take(5)
            .Select(name => $"has '{name}' as '{Excerpt.Of(listing.Objects[place + name])}', which is no plain tensor"));
        if (problems.Count == 0)
        {
            Loaded = Loaded with { Unused = beside };
            return [.. both.Select(b => place + b.Name)];
        }

        throw new WeightMismatchException(
            $"The weights in '{path}' do not fit the {kind}: the file {string.Join("; it ", problems)}{Taken()}{Lacking()}.")
        {
            Missing = missing,
            Unexpected = unexpected,
            WronglyShaped = [.. wronglyShaped.Select(b => b.Name)],
            WronglyTyped = [.. wronglyTyped.Select(b => b.Name)],
        };

        void Report(string what, string[] names)
        {
            if (names.Length > 0)
                problems.Add($"{what} {Some(names)}");
        }

        string Taken() => Loaded.Prefix.Length > 0 ? $" (without '{Excerpt.Of(Loaded.Prefix)}' before its names)" : "";

        string Lacking() =>
            PrefixOfModule(listing.Under(Loaded.Entry).Select(name => name[WeightListing.Beginning(Loaded.Entry).Length..])) is { } lacking
                ? $" (all names would fit if '{lacking}' were put before those in the file: "
                    + "load into the part of the module of that name)"
                : "";
    }

    private static bool IsBatchCounter(string name) => name.EndsWith(BatchCounter, StringComparison.Ordinal);

    private static bool IsReal(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    /// <summary>What all names of the file lack that the module has.</summary>
    private string? PrefixOfModule(IEnumerable<string> names)
    {
        var there = names.Where(name => !IsBatchCounter(name)).ToArray();
        return there.Length == 0 ? null : wanted.Keys.Where(name => name.EndsWith("." + there[0], StringComparison.Ordinal))
            .Select(name => name[..^there[0].Length])
            .FirstOrDefault(prefix => there.All(name => wanted.ContainsKey(prefix + name)));
    }

    private WeightFileException Unknown(string chosen) =>
        new($"In '{path}' no name of the {kind} stands behind the prefix '{chosen}'; leave it out to have it found, or write another one.");

    private WeightMismatchException Foreign(string? place) => place is null
        ? new($"The weights in '{path}' do not fit the {kind}: the file has none of its names.")
        : new(
            $"The weights in '{path}' do not fit the {kind}: the file has most of its names, but not all, behind '{place}'; "
            + "choose that as the prefix.");

    private static string Some(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(5).Select(name => $"'{Excerpt.Of(name)}'")) + (names.Count > 5 ? $" and {names.Count - 5} more" : "");
}
