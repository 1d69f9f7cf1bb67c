namespace StreamingCnn.Interop.Weights;

/// <summary>
/// Finds the names of a module in a file that may hold more, and may put something before each name: the attribute in
/// which a training program kept the network, or the dictionary of a checkpoint. Where all names and shapes fit behind
/// one prefix, it is that; where they fit behind several, somebody has to choose.
/// </summary>
internal sealed class WeightPartSearch
{
    private const string DataParallelPrefix = "module.";

    private readonly IReadOnlyDictionary<string, long[]> needed;
    private readonly WeightListing listing;

    // How many of the module's names stand behind each prefix.
    private readonly Dictionary<string, int> fits = [];

    /// <param name="needed">The module's names with their shapes.</param>
    /// <param name="listing">What the file holds.</param>
    public WeightPartSearch(IReadOnlyDictionary<string, long[]> needed, WeightListing listing)
    {
        (this.needed, this.listing) = (needed, listing);
        if (needed.Count == 0)
            return;
        var names = needed.Keys.ToHashSet().GetAlternateLookup<ReadOnlySpan<char>>();
        var longest = needed.Keys.Max(name => name.Length);
        foreach (var name in listing.Tensors.Keys)
        {
            for (var at = Math.Max(0, name.Length - longest); at < name.Length; at++)
            {
                if ((at == 0 || name[at - 1] == '.') && names.Contains(name.AsSpan(at)))
                    fits[name[..at]] = Count(name[..at]) + 1;
            }
        }
    }

    /// <summary>Whether any of the module's names stands behind a prefix. True for a module without names.</summary>
    public bool Has(string prefix) => needed.Count == 0 || Count(prefix) > 0;

    /// <summary>Whether all do, or as many as anywhere in the usual place: a part of a module is not looked for.</summary>
    public bool IsCertain(string prefix) => Count(prefix) == needed.Count || (prefix == Usual && IsBest(prefix));

    /// <summary>
    /// The prefix behind which the module's names stand, dictionaries included; where nothing fits wholly, the one that
    /// fits best.
    /// </summary>
    /// <exception cref="AmbiguousPrefixException">There are several, with different values.</exception>
    public string Find()
    {
        if (needed.Count == 0 || Count("") == needed.Count)
            return "";
        var named = fits.Where(fit => fit.Value == needed.Count).Select(fit => fit.Key).ToArray();
        return One([.. named.Where(ShapesFit)])
            ?? named.FirstOrDefault()
            ?? (fits.Count == 0 || IsBest(Usual) ? Usual : fits.MaxBy(fit => fit.Value).Key);
    }

    /// <summary>The prefix that somebody chose, behind the name of a dictionary where it stands in one.</summary>
    /// <returns>Null where no name of the module stands behind it.</returns>
    /// <exception cref="AmbiguousPrefixException">It stands in several dictionaries.</exception>
    public string? Find(string chosen)
    {
        var prefix = chosen.Length == 0 || chosen.EndsWith('.') ? chosen : chosen + ".";
        if (Count(prefix) == needed.Count)
            return prefix;
        var places = fits.Keys
            .Where(place => place.EndsWith(prefix, StringComparison.Ordinal) && IsBeginning(place[..^prefix.Length]))
            .ToArray();
        var whole = places.Where(place => Count(place) == needed.Count && ShapesFit(place)).ToArray();
        var best = places.Where(place => Count(place) == places.Max(Count)).ToArray();
        return One(whole) ?? (best.Length < 2 ? best.FirstOrDefault() : throw new AmbiguousPrefixException(best));
    }

    private bool IsBeginning(string text) => text.Length == 0 || (text[^1] == '.' && listing.Entries.Contains(text[..^1]));

    /// <summary>Where training programs put weights, without what data-parallel training puts before all names.</summary>
    private string Usual
    {
        get
        {
            var entry = WeightListing.Beginning(listing.Usual);
            return listing.Tensors.Count > 0
                && listing.Under(listing.Usual)
                    .All(name => name.AsSpan(entry.Length).StartsWith(DataParallelPrefix, StringComparison.Ordinal))
                ? entry + DataParallelPrefix : entry;
        }
    }

    /// <summary>Splits a prefix into the name of a dictionary and what stands before the names in it.</summary>
    public (string Entry, string Prefix) Split(string prefix)
    {
        for (var at = prefix.LastIndexOf('.'); at > 0; at = prefix.LastIndexOf('.', at - 1))
        {
            if (listing.Entries.Contains(prefix[..at]))
                return (prefix[..at], prefix[(at + 1)..]);
        }

        return ("", prefix);
    }

    private bool IsBest(string prefix) => Has(prefix) && Count(prefix) == fits.Values.DefaultIfEmpty().Max();

    private int Count(string prefix) => fits.GetValueOrDefault(prefix);

    private bool ShapesFit(string prefix) => needed.All(need => listing.Tensors[prefix + need.Key].Shape.SequenceEqual(need.Value));

    private static bool IsSame(ListedTensor one, ListedTensor other) => one.Source.Equals(other.Source);

    /// <summary>The first of some prefixes, which must all lead to the same values.</summary>
    private string? One(string[] prefixes) =>
        prefixes.Length < 2
        || prefixes.All(prefix => needed.Keys.All(name => IsSame(listing.Tensors[prefix + name], listing.Tensors[prefixes[0] + name])))
            ? prefixes.FirstOrDefault() : throw new AmbiguousPrefixException(prefixes);
}

/// <summary>The names of a module stand behind several prefixes in one file.</summary>
internal sealed class AmbiguousPrefixException(IReadOnlyList<string> prefixes) : Exception
{
    /// <summary>All of them.</summary>
    public IReadOnlyList<string> Prefixes { get; } = prefixes;
}
