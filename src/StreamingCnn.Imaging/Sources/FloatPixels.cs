using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Pixels as an array of float, for arithmetic whose rounding must not depend on the window.</summary>
internal static class FloatPixels
{
    /// <summary>Copies a tensor, plane by plane.</summary>
    public static float[] Of(Tensor window)
    {
        using var scope = NewDisposeScope();
        // By its bytes: TorchSharp's accessor goes element by element, which costs more than the arithmetic.
        return MemoryMarshal.Cast<byte, float>(window.to(ScalarType.Float32).contiguous().bytes).ToArray();
    }
}
