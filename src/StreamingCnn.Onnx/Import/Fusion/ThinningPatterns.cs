using StreamingCnn.Models;
using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>Layers that keep every nth position of a map, or make channels of its positions, as several operators.</summary>
internal static class ThinningPatterns
{
    /// <summary>What stands for a binomial filter. ONNX has no such operator.</summary>
    public const string BinomialFilter = "BlurPool";

    /// <summary>What stands for squares of 2 x 2 positions that become channels. ONNX has no such operator.</summary>
    public const string PatchesAsChannels = "StackedPatches";

    /// <summary>The largest filter that is looked for.</summary>
    public const long LargestFilter = 64;

    // Of each number: what single precision rounds.
    private const double Tolerance = 1e-6;

    // Of upper left, lower left, upper right and lower right: the last row and column are left out where the first are taken.
    private static readonly (long[] Starts, long[] Ends)[] Parts =
    [
        ([0, 0], [-1, -1]), ([1, 0], [int.MaxValue, -1]), ([0, 1], [-1, int.MaxValue]), ([1, 1], [int.MaxValue, int.MaxValue]),
    ];

    /// <summary>A convolution of each channel by the same binomial filter, on a mirrored border.</summary>
    public static OnnxNode? Blur(GraphView view, OnnxNode last)
    {
        if (last is not { Operator: "Conv", Inputs: [var input, var filter] }
            || view.Tensor(filter) is not { Shape: [var channels, 1, var size, var width], Parts.Count: > 0 } weights
            || size is < 2 or > LargestFilter
            || size != width
            || Mirrored(view, input) is not (var x, [0, 0, var top, var left, 0, 0, var bottom, var right])
            || top != (size - 1) / 2
            || bottom != size / 2
            || left != top
            || right != bottom
            || (last.Attributes.GetValueOrDefault("group")?.Integer ?? 1) != channels
            || last.Attributes.GetValueOrDefault("strides")?.Integers is not [var stride, var other]
            || stride != other
            || last.Attributes.GetValueOrDefault("pads")?.Integers?.Any(pad => pad != 0) == true
            || last.Attributes.GetValueOrDefault("dilations")?.Integers?.Any(step => step != 1) == true
            || (last.Attributes.GetValueOrDefault("auto_pad")?.Text ?? "NOTSET") is not ("NOTSET" or "VALID")
            || !IsBinomial(weights, (int)size))
        {
            return null;
        }

        return Patterns.Instead(last, BinomialFilter, [x], ("size", new() { Integer = size }), ("stride", new() { Integer = stride }));
    }

    /// <summary>Every second position of a map and one row and column of zeros, from four places on, as channels.</summary>
    public static OnnxNode? Stacked(GraphView view, OnnxNode last)
    {
        if (last is not { Operator: "Concat", Inputs.Count: 4 } || last.Attributes.GetValueOrDefault("axis")?.Integer is not 1)
            return null;
        string? padded = null;
        for (var i = 0; i < Parts.Length; i++)
        {
            if (view.Giver(last.Inputs[i], "Slice") is not { Inputs: [var map, var starts, var ends, var axes, var steps] }
                || map != (padded ??= map)
                || view.Integers(axes) is not [2, 3]
                || view.Integers(steps) is not [2, 2]
                || view.Integers(starts)?.SequenceEqual(Parts[i].Starts) != true
                || view.Integers(ends)?.SequenceEqual(Parts[i].Ends) != true)
            {
                return null;
            }
        }

        return view.Giver(padded!, "Pad") is { Inputs: [var x, var pads] } pad
            && (pad.Attributes.GetValueOrDefault("mode")?.Text ?? "constant") == "constant"
            && view.Integers(pads) is [0, 0, 0, 0, 0, 0, 1, 1]
                ? Patterns.Instead(last, PatchesAsChannels, [x])
                : null;
    }

    private static (string Map, long[] Pads)? Mirrored(GraphView view, string value) =>
        view.Giver(value, "Pad") is { Inputs: [var x, ..] } pad
        && pad.Attributes.GetValueOrDefault("mode")?.Text == "reflect"
        && (pad.Attributes.GetValueOrDefault("pads")?.Integers?.ToArray()
            ?? (pad.Inputs.Count > 1 ? view.Integers(pad.Inputs[1]) : null)) is { } pads
            ? (x, pads)
            : null;

    private static bool IsBinomial(OnnxTensor filter, int size)
    {
        using var blur = new BlurPool(size);
        var taps = blur.Weights;
        var numbers = new ConstantValue(filter, Learns: false).Numbers();
        for (var i = 0; i < numbers.Length; i++)
        {
            var place = i % (size * size);
            var expected = taps[place / size] * taps[place % size];
            if (Math.Abs(numbers[i] - expected) > Tolerance * expected)
                return false;
        }

        return true;
    }
}
