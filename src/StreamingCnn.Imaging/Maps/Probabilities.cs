using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>Probabilities of a map of scores.</summary>
internal static class Probabilities
{
    /// <summary>The softmax over channels; of a single channel the logistic function. In float32, or float64 where scores are.</summary>
    /// <param name="scores">[N, K, h, w].</param>
    public static Tensor Of(Tensor scores)
    {
        var wide = scores.dtype == ScalarType.Float64 ? scores : scores.to(ScalarType.Float32);
        return scores.shape[1] == 1 ? wide.sigmoid() : wide.softmax(1);
    }
}
