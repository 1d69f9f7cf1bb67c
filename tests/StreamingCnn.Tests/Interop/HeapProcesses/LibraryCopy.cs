using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace StreamingCnn.Tests.Interop.HeapProcesses;

/// <summary>A second copy of the library, of TorchSharp and of these tests, as a plug-in has it.</summary>
internal sealed class LibraryCopy : AssemblyLoadContext
{
    private readonly string folder = Path.GetDirectoryName(typeof(LibraryCopy).Assembly.Location)!;
    private readonly Type step;

    public LibraryCopy()
        : base("a second copy", isCollectible: true)
    {
        step = LoadFromAssemblyPath(typeof(LibraryCopy).Assembly.Location).GetType(typeof(ComputedStep).FullName!)!;
        Assert.NotSame(typeof(ComputedStep), step);
    }

    public double Difference(bool float64, bool channelsLast, int threads) =>
        (double)step.GetMethod(nameof(ComputedStep.Difference))!.Invoke(null, [float64, channelsLast, threads])!;

    public bool UsesHeap() => (bool)step.GetMethod(nameof(ComputedStep.UsesHeap))!.Invoke(null, [])!;

    /// <summary>Lets go of a copy.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void UseAndUnload(Action<LibraryCopy> use)
    {
        var copy = new LibraryCopy();
        use(copy);
        copy.Unload();
    }

    protected override Assembly? Load(AssemblyName name) =>
        name.Name is "StreamingCnn" or "TorchSharp" ? LoadFromAssemblyPath(Path.Combine(folder, name.Name + ".dll")) : null;
}
