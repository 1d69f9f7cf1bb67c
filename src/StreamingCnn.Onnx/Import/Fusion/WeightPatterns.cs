using StreamingCnn.Graph.Layers;
using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>Weights that nodes make of those in the file, and that train through what is made of them.</summary>
internal static class WeightPatterns
{
    /// <summary>What stands for a convolution whose weights are standardised. ONNX has no such operator.</summary>
    public const string StandardisedConvolution = "StandardisedConv";

    private const double Tolerance = 1e-9;

    /// <summary>A convolution by (weight - mean) / √(variance + eps), both over each output channel.</summary>
    public static OnnxNode? Standardised(GraphView view, OnnxNode last)
    {
        if (last.Operator != "Conv"
            || last.Inputs.Count < 2
            || view.Giver(last.Inputs[1], "Div") is not { Inputs: [var centred, var deviation] }
            || view.Giver(deviation, "Sqrt") is not { Inputs: [var sum] }
            || view.Giver(sum, "Add") is not { Inputs: [var variance, var eps] }
            || view.Number(eps) is not { } epsilon
            || Math.Abs(epsilon - StandardisedWeights.Eps) > Tolerance
            || MeanOf(view, variance) is not { } squared
            || view.Giver(squared, "Mul") is not { Inputs: [var one, var other] }
            || one != centred
            || other != centred
            || view.Giver(centred, "Sub") is not { Inputs: [var weight, var mean] }
            || MeanOf(view, mean) != weight
            || view.Tensor(weight) is not { Shape.Count: 4 })
        {
            return null;
        }

        return new()
        {
            Name = last.Name,
            Operator = StandardisedConvolution,
            Inputs = [last.Inputs[0], weight, .. last.Inputs.Skip(2)],
            Outputs = last.Outputs,
            Attributes = last.Attributes,
        };
    }

    /// <summary>What a mean is of that is taken over each output channel; null where a value is none.</summary>
    private static string? MeanOf(GraphView view, string value) =>
        view.Giver(value, "ReduceMean") is { } mean
        && view.Axes(mean) is [1, 2, 3]
        && (mean.Attributes.GetValueOrDefault("keepdims")?.Integer ?? 1) != 0
            ? mean.Inputs[0]
            : null;
}
