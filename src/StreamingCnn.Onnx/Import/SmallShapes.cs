using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import;

/// <summary>Finds the shape of what a function makes of small tensors, by calling it for two and for three images.</summary>
internal static class SmallShapes
{
    /// <summary>The shape, with -1 where there is one for each image.</summary>
    /// <exception cref="RefusedNodeException">The function takes no such tensors, or mixes images.</exception>
    public static IReadOnlyList<long> Of(Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<SmallValue> inputs)
    {
        var (two, three) = (For(2), For(3));
        if (two.Length != three.Length || two.Length == 0)
            throw new RefusedNodeException("gives something without a dimension for the images");
        long[] shape = [.. two.Zip(three).Select(pair => pair.First == pair.Second ? pair.First : -1)];
        return shape[0] == -1 && !shape.AsSpan(1).Contains(-1)
            ? shape
            : throw new RefusedNodeException("gives something whose first dimension is not that of the images");

        long[] For(long images)
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            try
            {
                return function([.. inputs.Select(input => ones([.. input.Shape.Select(side => side == -1 ? images : side)]))]).shape;
            }
            catch (Exception reason) when (reason is ExternalException or ArgumentException)
            {
                throw new RefusedNodeException($"cannot be applied to what it gets: {reason.Message.Split('\n')[0]}");
            }
        }
    }
}
