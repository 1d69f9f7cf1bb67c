using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>How far a streamed result is from the whole image's.</summary>
internal static class Compare
{
    /// <summary>
    /// The largest difference over the largest entry of the reference (or over <paramref name="floor"/>, if that is larger); infinite when
    /// a shape differs or a value is not finite.
    /// </summary>
    public static double RelativeError(Tensor actual, Tensor expected, double floor = 0)
    {
        if (!actual.shape.SequenceEqual(expected.shape))
            return double.PositiveInfinity;
        using var scope = TorchSharp.torch.NewDisposeScope();
        if (expected.numel() == 0)
            return 0;
        var difference = (actual.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).abs().max().item<double>();
        var largest = Math.Max(floor, expected.to(ScalarType.Float64).abs().max().item<double>());
        if (!double.IsFinite(difference))
            return double.PositiveInfinity;
        return largest == 0 ? difference : difference / largest;
    }

    /// <summary>Whether two tensors agree in shape and in every value.</summary>
    public static bool AreEqual(Tensor a, Tensor b) => a.shape.SequenceEqual(b.shape) && a.eq(b).all().item<bool>();
}
