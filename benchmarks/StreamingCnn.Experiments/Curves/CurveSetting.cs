using StreamingCnn.Training;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Curves;

/// <summary>What all contestants share.</summary>
internal sealed record CurveSetting
{
    public required string Model { get; init; }

    public required int Classes { get; init; }

    public required int Tile { get; init; }

    public required int Steps { get; init; }

    public required int Batch { get; init; }

    public required int Seed { get; init; }

    public required OptimizerKind Optimizer { get; init; }

    public required ScalarType Precision { get; init; }
}
