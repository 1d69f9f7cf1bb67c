using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>A loss's sums under way. Each position's terms are made again for its gradient, block by block.</summary>
internal sealed class LossSumsRun(LossSums loss, ReductionShape shape, int count) : ReductionRun
{
    private readonly Tensor?[] sums = new Tensor?[count];

    public override IEnumerable<Tensor> Held => sums.OfType<Tensor>();

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        foreach (var block in RectangleBlock.Of(rectangles[0]))
        {
            using var passing = NewDisposeScope();
            var terms = Terms(block, block.Values(rectangles[0]), rectangles, top, left);
            for (var i = 0; i < count; i++)
            {
                var part = terms[i].OverPositions();
                if (sums[i] is { } sum)
                    sum.Accumulate(part);
                else
                    sums[i] = part.DetachFromDisposeScope();
            }
        }
    }

    public override IReadOnlyList<Tensor> Parts()
    {
        if (count > 0 && sums[0] is null)
            Begin();
        return Array.ConvertAll(sums, sum => sum!);
    }

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var unrecorded = no_grad();
        foreach (var (sum, part) in Parts().Zip(parts))
            sum.Accumulate(part);
    }

    public override IReadOnlyList<Tensor> Finish() => [.. Parts().Select(sum => sum.clone())];

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        using var scope = NewDisposeScope();
        var found = SmallTensors.GradientsOf(rectangles, wanted);
        // Neither a target nor a mask is moved by the loss.
        foreach (var other in found.Skip(1))
            other?.zero_();
        if (found[0] is not { } ofOutput)
            return found.Kept();
        foreach (var block in RectangleBlock.Of(rectangles[0]))
        {
            using var passing = NewDisposeScope();
            var output = block.Values(rectangles[0]).detach().requires_grad_();
            var gradient = Gradient(output, Recorded(block, output, rectangles, top, left), gradients);
            using var unrecorded = no_grad();
            if (gradient is null)
                block.View(ofOutput).zero_();
            else
                block.View(ofOutput).copy_(gradient);
        }

        return found.Kept();
    }

    public override void Dispose()
    {
        foreach (var sum in sums)
            sum?.Dispose();
    }

    /// <summary>Sums of nothing, as large as the terms of a position are: a target of zeros is one for every loss.</summary>
    private void Begin()
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Tensor[] position = [.. shape.Channels.Select(channels => zeros([shape.Batch, channels, 1, 1], ScalarType.Float64, shape.Device))];
        var terms = loss.Terms(position[0], position[1], position.ElementAtOrDefault(2), 0, 0);
        for (var i = 0; i < count; i++)
            sums[i] = zeros_like(terms[i].OverPositions()).DetachFromDisposeScope();
    }

    private Tensor[] Recorded(in RectangleBlock block, Tensor output, IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var recorded = enable_grad();
        return Terms(block, output, rectangles, top, left);
    }

    private Tensor[] Terms(in RectangleBlock block, Tensor output, IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        var mask = rectangles.Count > 2 ? block.Values(rectangles[2]) : null;
        return loss.Terms(output, block.Values(rectangles[1]), mask, top + block.Top, left + block.Left);
    }

    /// <summary>What the sums' gradients make of a block's; null where none of them hangs on it.</summary>
    private static Tensor? Gradient(Tensor output, Tensor[] terms, IReadOnlyList<Tensor?> gradients)
    {
        // One root for all, since terms share what autograd has recorded.
        using var recorded = enable_grad();
        Tensor? root = null;
        foreach (var (term, gradient) in terms.Zip(gradients))
        {
            if (gradient is null || !term.requires_grad)
                continue;
            var part = term.mul(gradient.At(output)).sum();
            root = root?.Plus(part) ?? part;
        }

        return root is null ? null : ScriptedOperators.Gradients(root, ones_like(root), [output])[0];
    }
}
