using System.Runtime.InteropServices;

namespace StreamingCnn.Cli;

/// <summary>
/// Turns off NNPACK, which libtorch tries for small convolutions. Where the processor is none that it knows, as in many virtual machines, it complains at every single one, and the
/// complaints would drown all that the program has to say. Other kernels take its place; the results differ by rounding at most.
/// </summary>
internal static partial class NnpackSwitch
{
    /// <summary>Turns it off, where this libtorch can.</summary>
    public static void TurnOff()
    {
        try
        {
            SetUserEnabledNnpack(GlobalContext(), 0);
        }
        catch (Exception reason) when (reason is DllNotFoundException or EntryPointNotFoundException)
        {
            // Names of C++ functions differ between compilers. Then the complaints stay.
        }
    }

    [LibraryImport("torch_cpu", EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    [LibraryImport("torch_cpu", EntryPoint = "_ZN2at7Context20setUserEnabledNNPACKEb")]
    private static partial void SetUserEnabledNnpack(nint context, byte enabled);
}
