using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Export;

/// <summary>Pixels as bytes.</summary>
internal static class BytePixels
{
    // Held: libtorch may read a number when the garbage collector has freed it, where nothing else refers to it.
    private static readonly Scalar Least = 0;
    private static readonly Scalar Most = 255;

    /// <summary>The nearest of the values 0 to 255.</summary>
    public static Tensor Of(Tensor pixels) => pixels.round().clamp(Least, Most).to(ScalarType.Byte);

    /// <summary>Values from the least to the greatest, spread over 0 to 255.</summary>
    public static Tensor Spread(Tensor pixels, Tensor least, Tensor most)
    {
        using Scalar smallest = 1e-12;
        return (pixels - least) / (most - least).clamp_min(smallest) * tensor(255f);
    }
}
