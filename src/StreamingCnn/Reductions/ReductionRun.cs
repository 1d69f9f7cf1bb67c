using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// A reduction under way: takes rectangles of maps in the order of tiles, so that the same tiles give the same bits, and says afterwards
/// what each position's gradient is.
/// </summary>
/// <remarks>
/// Rectangles are computed with in their own type, bfloat16 in float32, and merged in float64. None of the methods is recorded by autograd.
/// </remarks>
public abstract class ReductionRun : IDisposable
{
    /// <summary>The tensors that it holds between calls.</summary>
    public virtual IEnumerable<Tensor> Held => [];

    /// <summary>
    /// Adds one rectangle of every operand. Each position of the maps comes exactly once, or not at all where it adds nothing by
    /// <see cref="MapReduction.Selectors"/> or <see cref="MapReduction.Neutral"/>.
    /// </summary>
    /// <param name="rectangles">
    /// For each operand [N, C, h, w] in float32, float64 or bfloat16, in any memory format. They may be views, and are not changed.
    /// </param>
    /// <param name="top">The maps' row that their first row is.</param>
    /// <param name="left">The maps' column that their first column is.</param>
    public abstract void Add(IReadOnlyList<Tensor> rectangles, long top, long left);

    /// <summary>
    /// What has been added so far, for other processes that have added other positions of the same maps. Numbers and shapes follow from the
    /// maps' shape alone, also where nothing has come.
    /// </summary>
    /// <returns>In float64; they may be the run's own and are not changed.</returns>
    /// <exception cref="NotSupportedException">The reduction cannot be taken apart.</exception>
    public virtual IReadOnlyList<Tensor> Parts() => throw HasNoParts();

    /// <summary>Adds what another run has added, of positions that this one has not had.</summary>
    /// <param name="parts">What <see cref="Parts"/> of the other one has given.</param>
    /// <exception cref="NotSupportedException">The reduction cannot be taken apart.</exception>
    public virtual void Merge(IReadOnlyList<Tensor> parts) => throw HasNoParts();

    /// <summary>Ends the sum: nothing is added any more.</summary>
    /// <returns>The results in float64, which the caller owns.</returns>
    public abstract IReadOnlyList<Tensor> Finish();

    /// <summary>The gradients of one rectangle of every operand, behind <see cref="Finish"/>.</summary>
    /// <param name="rectangles">The values that <see cref="Add"/> has had of these positions, of the same type.</param>
    /// <param name="top">The maps' row that their first row is.</param>
    /// <param name="left">The maps' column that their first column is.</param>
    /// <param name="gradients">For each result the loss's gradient in float64, or null where the loss does not hang on it.</param>
    /// <param name="wanted">For each operand whether its gradient is.</param>
    /// <returns>
    /// For each operand the gradient in the rectangle's shape and type, which the caller owns; null where it is not wanted.
    /// </returns>
    public abstract IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted);

    /// <summary>
    /// The positions that have a gradient, behind <see cref="Finish"/>, each as often as it may be; null where all may have one.
    /// </summary>
    /// <param name="gradients">For each result the loss's gradient in float64, or null where the loss does not hang on it.</param>
    internal virtual IReadOnlyList<(long Row, long Column)>? Moved(IReadOnlyList<Tensor?> gradients) => null;

    /// <inheritdoc/>
    public abstract void Dispose();

    private NotSupportedException HasNoParts() => new(
        $"{GetType().Name} cannot be summed up over processes, since it does not say what it has added so far; override ReductionRun.Parts and ReductionRun.Merge, or let each process run images of its own.");
}
