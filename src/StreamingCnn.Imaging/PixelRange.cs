using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// Operations on pixels whose numbers stay alive while libtorch reads them: TorchSharp leaves a number that it has made for one call to the
/// garbage collector, which may free it during that call.
/// </summary>
internal static class PixelRange
{
    private static readonly Scalar One = 1;
    private static readonly Scalar Lowest = 0;
    private static readonly Scalar Highest = 255;

    /// <summary>Rounds, in place, clips to 0..255 and makes bytes.</summary>
    public static Tensor ToBytes(Tensor pixels) => pixels.round_().clamp_(Lowest, Highest).to(ScalarType.Byte);

    /// <summary><c>pixels += offset</c>, in place.</summary>
    public static Tensor Add(Tensor pixels, Tensor offset) => pixels.add_(offset, One);
}
