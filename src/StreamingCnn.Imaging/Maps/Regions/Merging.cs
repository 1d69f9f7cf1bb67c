namespace StreamingCnn.Imaging.Maps.Regions;

/// <summary>Something that may turn out to be a part of another of its kind: a set of a union-find forest.</summary>
/// <typeparam name="T">The kind.</typeparam>
internal abstract class Merging<T>
    where T : Merging<T>
{
    private T? into;

    /// <summary>What this has become a part of; itself where that is nothing else.</summary>
    public T Found
    {
        get
        {
            var found = (T)this;
            while (found.into is { } next)
                found = next;
            // The way is short the next time.
            if (into is not null && into != found)
                into = found;
            return found;
        }
    }

    /// <summary>Becomes a part of another.</summary>
    protected void Become(T whole) => into = whole;
}
