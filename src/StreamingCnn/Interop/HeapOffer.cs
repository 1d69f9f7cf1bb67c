namespace StreamingCnn.Interop;

/// <summary>
/// What one copy of this library lets the others of the same process do with its heap. Copies come with load contexts
/// (plug-ins) and may be of different versions, so that they share no type but those of .NET itself.
/// </summary>
/// <param name="Deepen">What the calling thread allocates counts as outliving many tiles (true), or as before (false).</param>
/// <param name="Trim">Gives the memory of gaps back to the system.</param>
/// <param name="Holds">Whether an address is one of the heap's.</param>
/// <param name="Expect">A run that takes so many bytes begins (true), or has ended.</param>
internal sealed record HeapOffer(Action<bool> Deepen, Action Trim, Func<long, bool> Holds, Action<long, bool> Expect)
{
    // Data of the process and interned strings are there once for all load contexts. The name and what lies there stay as
    // they are in all versions to come.
    private const string Key = "StreamingCnn.TensorHeap";

    /// <summary>The heap of another copy, or else what this one makes.</summary>
    /// <param name="make">Makes a heap; null where there can be none.</param>
    /// <returns>The offer of another copy; null where there is none.</returns>
    public static HeapOffer? TakeOrMake(Func<HeapOffer?> make)
    {
        lock (string.Intern(Key))
        {
            if (AppDomain.CurrentDomain.GetData(Key) is Dictionary<string, Delegate> offered)
                return Read(offered);
            if (make() is { } made)
                AppDomain.CurrentDomain.SetData(Key, made.Written());
            return null;
        }
    }

    private Dictionary<string, Delegate> Written() => new()
    {
        [nameof(Deepen)] = Deepen,
        [nameof(Trim)] = Trim,
        [nameof(Holds)] = Holds,
        [nameof(Expect)] = Expect,
    };

    // What an offer lacks is left out: the heap works without it.
    private static HeapOffer Read(Dictionary<string, Delegate> offered) => new(
        offered.GetValueOrDefault(nameof(Deepen)) as Action<bool> ?? (static _ => { }),
        offered.GetValueOrDefault(nameof(Trim)) as Action ?? (static () => { }),
        offered.GetValueOrDefault(nameof(Holds)) as Func<long, bool> ?? (static _ => false),
        offered.GetValueOrDefault(nameof(Expect)) as Action<long, bool> ?? (static (_, _) => { }));
}
