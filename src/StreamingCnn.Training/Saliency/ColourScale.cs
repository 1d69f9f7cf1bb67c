using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// The colours of heat from half of the limit to the limit: bright on dark images as well as on light ones, lightness and hue changing
/// together.
/// </summary>
internal static class ColourScale
{
    /// <summary>Red, green and blue at equal distances.</summary>
    public static readonly byte[][] Stops = [[164, 252, 60], [225, 220, 55], [254, 155, 45], [240, 91, 18], [196, 37, 3]];

    /// <summary>Red, green and blue of the limit.</summary>
    public static byte[] Hottest => Stops[^1];

    /// <summary>Colours of numbers.</summary>
    /// <param name="values">[H, W], 0 to 1.</param>
    /// <returns>[3, H, W], float32, 0 to 255.</returns>
    public static Tensor Of(Tensor values)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var stops = tensor(Stops.SelectMany(stop => stop.Select(part => (float)part)).ToArray(), [Stops.Length, 3]);
        var position = values.flatten() * (Stops.Length - 1);
        var before = position.floor().clamp(0, Stops.Length - 2);
        var first = before.to(ScalarType.Int64);
        var colours = stops.index_select(0, first).lerp(stops.index_select(0, first + 1), (position - before).unsqueeze(1));
        return colours.t().reshape(3, values.shape[0], values.shape[1]).contiguous().MoveToOuterDisposeScope();
    }
}
