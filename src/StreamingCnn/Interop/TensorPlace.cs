using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>Where tensors are.</summary>
internal static class TensorPlace
{
    /// <summary>
    /// Whether a tensor is on a device. TorchSharp makes a new object for the device of a tensor each time it is asked, and compares
    /// devices as objects, so that <c>==</c> is never true.
    /// </summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="device">The device; without an index it is any of its kind.</param>
    public static bool IsOn(this Tensor tensor, Device device) =>
        tensor.device_type == device.type && (device.index < 0 || tensor.device_index == device.index);
}
