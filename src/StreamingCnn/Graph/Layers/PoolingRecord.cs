using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// A pooling's record: the window that was pooled, with its padding, which the library asks for again, and what else the gradient takes.
/// </summary>
internal sealed class PoolingRecord : LayerRecord
{
    private readonly Tensor window;
    private readonly Patch patch;
    private readonly bool isWanted;
    private readonly Func<Tensor, Tensor, Tensor> backward;
    private readonly Tensor[] others;

    private PoolingRecord(Tensor window, Patch patch, bool isWanted, Func<Tensor, Tensor, Tensor> backward, Tensor[] others)
    {
        this.window = window;
        this.patch = patch;
        this.isWanted = isWanted;
        this.backward = backward;
        this.others = others;
    }

    /// <summary>What it holds besides those others.</summary>
    public static LayerMemory Memory => new(KeepsInput: true, KeepsOutput: false)
    {
        KeepsPaddedCopyOnly = true,
        GradientIsPadded = true,
        GradientIsFresh = true,
    };

    public override IEnumerable<Tensor> Held => [window, .. others];

    /// <summary>Records a pooling.</summary>
    /// <param name="input">The operand's window.</param>
    /// <param name="window">The same with its padding; the very same where there is none.</param>
    /// <param name="patch">What was computed.</param>
    /// <param name="isWanted">Whether the operand's gradient is.</param>
    /// <param name="backward">Gives the gradient of <paramref name="window"/>, which it is told, for that of the output.</param>
    /// <param name="others">Other tensors that this takes; the record takes them over.</param>
    public static PoolingRecord Of(
        Tensor input, Tensor window, in Patch patch, bool isWanted, Func<Tensor, Tensor, Tensor> backward, params Tensor[] others)
    {
        var kept = ReferenceEquals(window, input) ? window.alias() : window;
        return new(
            kept.DetachFromDisposeScope(), patch, isWanted, backward, Array.ConvertAll(others, other => other.DetachFromDisposeScope()));
    }

    public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
    {
        var found = isWanted ? backward(gradient, window) : null;
        Dispose();
        return [found is null ? null : new(Border.WithoutPadding(found, patch), IsExclusive: true)];
    }

    public override void Dispose()
    {
        window.Dispose();
        foreach (var other in others)
            other.Dispose();
    }
}
