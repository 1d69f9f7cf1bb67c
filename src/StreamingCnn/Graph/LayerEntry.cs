using StreamingCnn.Graph.Stages;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>Where a module stands: what its meaning depends on besides its own settings.</summary>
/// <param name="IsInBlock">Whether in a block, whose graph says what a module of the last dimension acts on: the channels of each
/// pixel.</param>
/// <param name="FrozenBatchNorm">Whether batch norms use their running statistics in training mode.</param>
internal readonly record struct LayerPlace(bool IsInBlock, bool FrozenBatchNorm);

/// <summary>What is known of one type of module.</summary>
internal sealed record LayerEntry
{
    /// <summary>Describes a module; null where the engine has no layer for it.</summary>
    public Func<Module, LayerPlace, LocalLayer>? Describe { get; init; }

    /// <summary>
    /// Why a module cannot be streamed as it is set and where it stands, as the end of a sentence that begins with its name; null
    /// where it can.
    /// </summary>
    public Func<Module, LayerPlace, string?>? Refusal { get; init; }

    /// <summary>How it is streamed where it looks at the whole map; null where it never does, or cannot be streamed.</summary>
    public GlobalLayer? Global { get; init; }

    /// <summary>Whether it draws random numbers in training mode.</summary>
    public bool DrawsRandomNumbers { get; init; }

    /// <summary>Whether it gives its argument back as it is, in evaluation mode.</summary>
    public bool IsIdentityInEvaluation { get; init; }

    /// <summary>Whether it does so in training mode as well.</summary>
    public bool IsIdentity { get; init; }
}
