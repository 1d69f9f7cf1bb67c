using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>
/// Has oneDNN, the library of convolutions within libtorch, guess how large the processor's caches are where the processor does not say.
/// </summary>
/// <remarks>
/// <para>
/// AMD's processors tell the size of a cache in four numbers, each less by one (CPUID leaf 8000001D). Virtual machines that hide the caches
/// make all of them zero, and oneDNN (3.7) believes in caches of one byte. It then cuts convolutions into blocks that its code is not made
/// for: in float32 they are wrong by as much as the values themselves, write to memory that is not theirs, and end the process.
/// </para>
/// <para>
/// For processors that have no caches as far as it knows oneDNN has guesses, and it asks for the number of their levels first. That number
/// stands in an object within libtorch (Xbyak's <c>util::Cpu</c>) that no function leads to. It is found by what it holds: sixteen numbers
/// that are known from asking the processor once more. Where they are not there exactly once, nothing is changed, and
/// <see cref="ConvolutionCheck"/> finds the fault.
/// </para>
/// </remarks>
internal static unsafe class HiddenCaches
{
    private const string Library = "/libtorch_cpu.so";

    // Where things stand in the object, counted in numbers of 32 bits: sizes and sharers of ten levels each, how many of them there are,
    // the version of AVX10, and the processor's model, family and stepping.
    private const int MostLevels = 10;
    private const int Levels = 2 * MostLevels;
    private const int Processor = Levels + 2;

    // No cache is smaller.
    private const uint SmallestCache = 1 << 10;

    private const int CacheLeaf = unchecked((int)0x8000001D);
    private const uint LastOfAuthenticAmd = 0x444D4163;

    // Of the first level the cache of data, and the second and third level.
    private static readonly int[] DataCaches = [0, 2, 3];

    /// <summary>Whether this is a processor that has caches and hides them.</summary>
    public static bool AreHidden =>
        X86Base.IsSupported
            && (uint)X86Base.CpuId(0, 0).Ecx == LastOfAuthenticAmd
            && Sizes().AsSpan(0, DataCaches.Length).ContainsAnyInRange(0u, SmallestCache - 1);

    /// <summary>
    /// Does so; to be called before the first convolution. Does nothing where the processor tells its caches, or on other systems.
    /// </summary>
    public static void Guess()
    {
        if (!OperatingSystem.IsLinux() || !AreHidden)
            return;
        // oneDNN asks the processor when it is used for the first time. Blocks of 16 channels come out right.
        using (var map = zeros([1, 16, 3, 3], device: CPU))
        using (var weight = zeros([16, 16, 3, 3], device: CPU))
            nn.functional.conv2d(map, weight).Dispose();

        if (LoadedLibrary.Of(Library) is not { } library)
            return;
        var (found, sizes, identity) = (new List<nint>(), Sizes(), Identity());
        foreach (var (start, length) in library.Variables())
        {
            foreach (var position in Find(new ReadOnlySpan<uint>((void*)start, (int)(length / sizeof(uint))), sizes, identity))
                found.Add((nint)start + (position * sizeof(uint)));
        }

        if (found.Count == 1)
            ((uint*)found[0])[Levels] = 0;
    }

    /// <summary>Where objects begin that oneDNN has filled with what a processor says.</summary>
    /// <param name="memory">What is looked through.</param>
    /// <param name="sizes">Sizes of ten levels of caches in bytes.</param>
    /// <param name="identity">The processor's model, family and stepping, and what extends the first two.</param>
    internal static List<int> Find(ReadOnlySpan<uint> memory, ReadOnlySpan<uint> sizes, ReadOnlySpan<uint> identity)
    {
        var found = new List<int>();
        for (var from = 0; memory[from..].IndexOf(sizes) is >= 0 and var next; from += next + 1)
        {
            var candidate = memory[(from + next)..];
            if (candidate.Length >= Processor + identity.Length
                && candidate[Levels] == DataCaches.Length
                && candidate.Slice(Processor, identity.Length).SequenceEqual(identity))
            {
                found.Add(from + next);
            }
        }

        return found;
    }

    /// <summary>Sizes as oneDNN reads them, in bytes, of as many levels as it has room for.</summary>
    private static uint[] Sizes()
    {
        var sizes = new uint[MostLevels];
        foreach (var (level, index) in DataCaches.Index())
        {
            var (_, lines, sets, _) = X86Base.CpuId(CacheLeaf, index);
            sizes[level] = (Bits(lines, 22, 9) + 1) * (Bits(lines, 12, 9) + 1) * (Bits(lines, 0, 11) + 1) * ((uint)sets + 1);
        }

        return sizes;
    }

    /// <summary>Model, family and stepping, and what extends the first two.</summary>
    private static uint[] Identity()
    {
        var signature = X86Base.CpuId(1, 0).Eax;
        return [Bits(signature, 4, 4), Bits(signature, 8, 4), Bits(signature, 0, 4), Bits(signature, 16, 4), Bits(signature, 20, 8)];
    }

    private static uint Bits(int number, int first, int count) => (uint)number >> first & ((1u << count) - 1);
}
