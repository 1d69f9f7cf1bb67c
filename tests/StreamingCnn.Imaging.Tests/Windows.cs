using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests;

/// <summary>The law of every source: a pixel does not depend on the window in which it is read.</summary>
internal static class Windows
{
    public static void AssertIndependent(IImageSource source, int samples = 25)
    {
        using var scope = NewDisposeScope();
        var whole = source.Read(0, 0, source.Height, source.Width);
        Assert.Equal([1, source.Channels, source.Height, source.Width], whole.shape);
        Gen.Double[0, 1].Array[4].Sample(
            cut =>
            {
                using var inner = NewDisposeScope();
                var top = (long)(cut[0] * (source.Height - 1));
                var left = (long)(cut[1] * (source.Width - 1));
                var height = 1 + (long)(cut[2] * (source.Height - top - 1));
                var width = 1 + (long)(cut[3] * (source.Width - left - 1));
                var window = source.Read(top, left, height, width);
                return Same(window, whole.narrow(2, top, height).narrow(3, left, width));
            },
            iter: samples,
            threads: 1);
    }

    public static bool Same(Tensor a, Tensor b) =>
        a.dtype == b.dtype && a.shape.SequenceEqual(b.shape) && a.eq(b).all().item<bool>();
}
