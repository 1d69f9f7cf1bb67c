using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// A quantity of whole maps to which tiles add, rectangle by rectangle: a sum, moments, a largest value. The maps themselves never have to
/// be there as a whole, neither for the values nor for the gradients.
/// </summary>
/// <remarks>
/// Images and, unless said otherwise, channels are taken for themselves. To add a reduction, derive from this class and from
/// <see cref="ReductionRun"/>; <see cref="Whole"/> is what the run is held to.
/// </remarks>
public abstract class MapReduction
{
    /// <summary>What to call it in messages.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>How many maps it is taken of, with the mask or the weights, which come last.</summary>
    public abstract int Operands { get; }

    /// <summary>How many small tensors come out.</summary>
    public abstract int Results { get; }

    /// <summary>
    /// The operands that tell by themselves where positions add nothing, such as a mask. What only such positions read need not be
    /// computed, and does not come. None unless this is overridden.
    /// </summary>
    public virtual IReadOnlyList<int> Selectors => [];

    /// <summary>
    /// The value that adds nothing where a map of one operand has it in all channels, which positions that do not come had; null where
    /// there is none.
    /// </summary>
    public virtual double? Neutral => null;

    /// <summary>Looks at the maps' numbers of channels.</summary>
    /// <param name="channels">One for each operand.</param>
    /// <exception cref="ArgumentException">The maps do not fit together.</exception>
    public abstract void Check(IReadOnlyList<long> channels);

    /// <summary>Looks at the maps' size, before anything is planned or run; any will do unless this is overridden.</summary>
    /// <param name="height">The maps' height in positions.</param>
    /// <param name="width">The maps' width in positions.</param>
    /// <exception cref="ArgumentException">The maps are too small.</exception>
    public virtual void CheckSize(long height, long width)
    {
    }

    /// <summary>Where positions may add anything; not 0 in any channel of any selector, unless this is overridden.</summary>
    /// <param name="selectors">Rectangles of the operands that <see cref="Selectors"/> names, [N, C, h, w] each.</param>
    /// <returns>[N, 1, h, w] of booleans, which the caller owns.</returns>
    public virtual Tensor Selected(IReadOnlyList<Tensor> selectors)
    {
        ArgumentNullException.ThrowIfNull(selectors);
        using var scope = NewDisposeScope();
        return selectors.Select(selector => selector.to(ScalarType.Bool).any(1, keepdim: true))
            .Aggregate((all, one) => all.logical_or(one)).MoveToOuterDisposeScope();
    }

    /// <summary>Begins with maps of a size.</summary>
    /// <param name="shape">The maps' shape, which <see cref="Check"/> and <see cref="CheckSize"/> allow.</param>
    /// <returns>The sum so far, of nothing; the caller disposes of it.</returns>
    public abstract ReductionRun Start(ReductionShape shape);

    /// <summary>The same of maps that are there as a whole, by ordinary operators that autograd follows.</summary>
    /// <param name="maps">The operands [N, C, H, W].</param>
    /// <returns>The results, in the maps' type.</returns>
    public abstract IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps);
}
