using StreamingCnn.Graph;

namespace StreamingCnn.Execution;

/// <summary>Counts the time of a step where there is a profile to count it in.</summary>
internal static class StepParts
{
    /// <summary>Begins a stretch of time that counts for a part.</summary>
    public static StepProfile.Stretch Measure(this StepProfile? profile, StepPart part) => new(profile, part);

    /// <summary>The part that a layer's forward pass belongs to.</summary>
    public static StepPart Forward(LocalLayer layer) => layer.WorkPerPosition > 0 ? StepPart.Convolutions : StepPart.OtherLayers;

    /// <summary>The part that a layer's backward pass belongs to.</summary>
    public static StepPart Backward(LocalLayer layer) =>
        layer.WorkPerPosition > 0 ? StepPart.ConvolutionsBackward : StepPart.OtherLayersBackward;
}
