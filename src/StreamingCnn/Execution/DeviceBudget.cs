using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>How much memory a step may take where nobody has said.</summary>
internal static class DeviceBudget
{
    /// <summary>Three quarters of what the device has free, in bytes.</summary>
    /// <param name="device">The device that computes. What is neither a processor nor CUDA's takes its memory of the host's.</param>
    /// <exception cref="PlatformNotSupportedException">It does not tell.</exception>
    public static long Of(Device device) => device.type == DeviceType.CUDA
        ? Of(device, CudaRuntime.Find())
        : StreamingOptions.DefaultMemoryBudget;

    /// <inheritdoc cref="Of(Device)"/>
    /// <param name="device">One of CUDA's.</param>
    /// <param name="runtime">The runtime; null where there is none.</param>
    internal static long Of(Device device, CudaRuntime? runtime) => runtime?.Memory(device.index) is { } memory
        ? memory.Free / 4 * 3
        : throw new PlatformNotSupportedException(
            $"How much memory {device} has free cannot be found out, since the CUDA runtime (libcudart) does not tell; say what a step may take, by --memory 16GiB or StreamingOptions.MemoryBudget.");
}
