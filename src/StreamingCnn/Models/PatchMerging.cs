using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// What halves the Swin Transformer's maps, with torchvision's parameter names: four neighbours become channels, which are normalised and
/// made half as many.
/// </summary>
internal sealed class PatchMerging : StreamingBlock
{
    private readonly StackedPatches stack = new();
    private readonly ChannelLayerNorm norm;
    private readonly Linear reduction;

    /// <param name="channels">Channels C; 2C come out.</param>
    public PatchMerging(long channels)
        : base(nameof(PatchMerging))
    {
        norm = new ChannelLayerNorm(4 * channels, SwinTrunk.Eps);
        reduction = Linear(4 * channels, 2 * channels, hasBias: false);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input) => input.Through(stack).Through(norm).Through(reduction);
}
