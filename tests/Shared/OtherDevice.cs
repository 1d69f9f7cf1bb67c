using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Testing;

/// <summary>
/// A second device on machines that have none: libtorch's lazy tensors, which its build for processors holds as well. They compute what a
/// processor computes, but as with a GPU, an operation on one of them and a tensor of the host fails, and so does reading its memory. What
/// runs there has every tensor where it belongs.
/// </summary>
internal static class OtherDevice
{
    // c10::DeviceType::Lazy, which TorchSharp has no name for.
    private const DeviceType Lazy = (DeviceType)17;

    // torch::lazy::InitTorchScriptBackend(), LazyGraphExecutor::Get() and LazyGraphExecutor::SyncLiveTensorsGraph(device, devices, wait),
    // as the Itanium C++ ABI names them.
    private const string Begin = "_ZN5torch4lazy22InitTorchScriptBackendEv";
    private const string GetExecutor = "_ZN5torch4lazy17LazyGraphExecutor3GetEv";
    private const string Sync = "_ZN5torch4lazy17LazyGraphExecutor20SyncLiveTensorsGraphEPKNS0_13BackendDeviceEN3c108ArrayRefINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEEb";

    // Makes 0 and 1 constants. Other numbers become tensors of their own, in float64, and a loss divided by one would be float64 as well.
    private const string Constants = "FLAGS_torch_lazy_handle_special_scalars";

    // How many compiled graphs are kept for later ones that look alike. What they are known again by tells neither which of their inputs
    // is which nor which are used twice, so that a graph is now and then given those of another: then shapes do not fit, or, worse, numbers
    // are wrong. None is kept.
    private const string KeptGraphs = "FLAGS_torch_lazy_compilation_cache_size";

    private static readonly Lock Gate = new();
    private static Device? device;
    private static Executor? executor;
    private static Synchronize? synchronize;

    private delegate IntPtr Executor();

    private delegate void Synchronize(IntPtr executor, IntPtr device, IntPtr devices, nint count, byte wait);

    /// <summary>The device; a test is skipped where libtorch lacks it.</summary>
    public static Device Get()
    {
        lock (Gate)
        {
            if (device is not null)
                return device;
            var library = Library();
            Assert.SkipUnless(library is { } found && NativeLibrary.TryGetExport(found, Begin, out _), "libtorch has no lazy tensors here.");
            executor = Function<Executor>(GetExecutor);
            synchronize = Function<Synchronize>(Sync);
            Marshal.WriteByte(NativeLibrary.GetExport(library!.Value, Constants), 1);
            Marshal.WriteInt32(NativeLibrary.GetExport(library!.Value, KeptGraphs), 0);
            Function<Action>(Begin)();
            return device = new Device(Lazy, 0);

            T Function<T>(string name) => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library!.Value, name));
        }
    }

    /// <summary>
    /// Computes what has been put off. Nothing asks for it but values that are read, and what is put off for long takes long. An operation
    /// that fails only now, with a number that was freed meanwhile, ends the process: no binding of TorchSharp's is there to catch it.
    /// </summary>
    public static void CatchUp() => synchronize?.Invoke(executor!(), IntPtr.Zero, IntPtr.Zero, 0, 1);

    /// <summary>Has a run catch up behind every tile.</summary>
    public static StreamingOptions CatchingUp(this StreamingOptions options) => options with { Progress = new BehindTiles() };

    private static IntPtr? Library() => Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
        .FirstOrDefault(module => module.ModuleName.Contains("torch_cpu", StringComparison.Ordinal)) is { FileName: { } file }
        && NativeLibrary.TryLoad(file, out var library) ? library : null;

    private sealed class BehindTiles : IProgress<TileProgress>
    {
        public void Report(TileProgress value) => CatchUp();
    }
}
