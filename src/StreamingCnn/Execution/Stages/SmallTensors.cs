using StreamingCnn.Distributed;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// The small tensors of a run, and the sums that they come from. Each function is recorded by autograd on its own, from its operands as
/// leaves, so that the backward pass can take it when its turn comes.
/// </summary>
/// <param name="network">The network.</param>
/// <param name="differentiable">What needs a gradient.</param>
/// <param name="type">Type of the computation.</param>
/// <param name="device">Device of the computation.</param>
/// <param name="willReverse">Whether a backward pass may follow.</param>
/// <param name="ranks">
/// The processes that share the tiles, null for one alone. Each has all small tensors and their gradients; what tiles give is added up.
/// </param>
/// <param name="peers">Images of other processes that batch norms look at as well; null for none.</param>
internal sealed class SmallTensors(
    TracedNetwork network,
    GlobalDifferentiablePart differentiable,
    ScalarType type,
    Device device,
    bool willReverse,
    ICommunicator? ranks = null,
    PeerImages? peers = null)
    : IRunQuantities, IDisposable
{
    private readonly Tensor?[] values = new Tensor?[network.Smalls.Count];
    private readonly Tensor?[] gradients = new Tensor?[network.Smalls.Count];
    private readonly Recorded?[] records = new Recorded?[network.Smalls.Count];
    private readonly ReductionRun?[] sums = new ReductionRun?[network.Reductions.Count];
    private readonly bool[] isExpected = new bool[network.Smalls.Count];
    private readonly ReductionShape?[] shapes = new ReductionShape?[network.Reductions.Count];

    // What this process' tiles have given in the stage at hand, where others' are added.
    private readonly Tensor?[] ofTiles = new Tensor?[network.Smalls.Count];

    /// <inheritdoc/>
    public Tensor Value(int small) => values[small]
        ?? throw new InvalidOperationException($"The small tensor '{network.Smalls[small].Path}' is used before it is there.");

    /// <inheritdoc/>
    void IRunQuantities.AddGradient(int small, Tensor gradient)
    {
        if (isExpected[small])
            Add(ranks is null ? gradients : ofTiles, small, gradient);
    }

    /// <summary>Adds to a small tensor's gradient.</summary>
    /// <param name="small">Index of the small tensor.</param>
    /// <param name="gradient">Of its shape; the caller keeps it.</param>
    public void AddGradient(int small, Tensor gradient) => Add(gradients, small, gradient);

    private void Add(Tensor?[] totals, int small, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var shape = Value(small).shape;
        for (var dimension = 0; dimension < Math.Min(2, shape.Length); dimension++)
        {
            if (shape[dimension] == 1 && gradient.shape[dimension] > 1)
                gradient = gradient.sum([dimension], keepdim: true);
        }

        gradient = gradient.reshape(shape);
        if (totals[small] is { } sum)
            sum.Accumulate(gradient);
        else
            totals[small] = gradient.to(ScalarType.Float64, copy: true).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public ReductionRun Sums(int reduction) => sums[reduction]!;

    /// <inheritdoc/>
    public IReadOnlyList<Tensor?> ResultGradients(int reduction) =>
        Array.ConvertAll(network.Reductions[reduction].Results, result => gradients[result]);

    /// <summary>
    /// Before a stage's backward pass: takes gradients only of what is applied to maps that a gradient reaches. Of others autograd gives
    /// none, where tiles give zeros. Of those that it reaches it gives zeros at least, also where all that they are applied to is cropped
    /// away.
    /// </summary>
    /// <param name="stage">The stage.</param>
    /// <param name="isReached">Of each of its maps whether a gradient reaches it.</param>
    public void Expect(NetworkGraph stage, bool[] isReached)
    {
        Array.Clear(isExpected);
        foreach (var node in stage.Layers.Where(node => isReached[node.Index]))
        {
            foreach (var small in ((node.Layer is Float32Layer wide ? wide.Inner : node.Layer) as OperandLayer)?.Smalls ?? [])
            {
                isExpected[small] = true;
                if (differentiable.NeedsSmall(small))
                    gradients[small] ??= zeros(Value(small).shape, ScalarType.Float64, device).DetachFromDisposeScope();
            }
        }
    }

    /// <summary>Behind a stage's backward pass: adds up what all processes' tiles have given.</summary>
    public void Gather()
    {
        if (ranks is null)
            return;
        using var scope = NewDisposeScope();
        int[] expected = [.. Enumerable.Range(0, isExpected.Length).Where(small => isExpected[small] && differentiable.NeedsSmall(small))];
        if (expected.Length == 0)
            return;
        var all = cat(Array.ConvertAll(expected, small =>
            (ofTiles[small] ?? zeros(Value(small).shape, ScalarType.Float64, CPU)).reshape(-1).to(CPU)));
        ranks.Sum(all);
        long place = 0;
        foreach (var small in expected)
        {
            var shape = Value(small).shape;
            var count = Value(small).numel();
            AddGradient(small, all.narrow(0, place, count).reshape(shape).to(device));
            place += count;
            ofTiles[small]?.Dispose();
            ofTiles[small] = null;
        }
    }

    /// <summary>Whether any gradient has come for a reduction's results.</summary>
    public bool HasGradient(int reduction) => network.Reductions[reduction].Results.Any(result => gradients[result] is not null);

    /// <summary>Begins a reduction.</summary>
    /// <param name="reduction">Its index.</param>
    /// <param name="batch">Images in the batch.</param>
    /// <param name="size">Size of its operands.</param>
    public void Begin(int reduction, long batch, (long Height, long Width) size)
    {
        var node = network.Reductions[reduction];
        long[] channels = [.. node.Operands.Select(operand => network.Maps[operand].Channels)];
        using var scope = NewDisposeScope();
        shapes[reduction] = new(batch, channels, size.Height, size.Width, device);
        sums[reduction] = node.Kind.Start(shapes[reduction]!);
    }

    /// <summary>Takes a reduction's results, when all positions have come.</summary>
    public void Finish(int reduction)
    {
        using var scope = NewDisposeScope();
        Merge(reduction);
        foreach (var (result, small) in sums[reduction]!.Finish().Zip(network.Reductions[reduction].Results))
            values[small] = result.DetachFromDisposeScope();
    }

    /// <summary>Evaluates functions, in order.</summary>
    public void Evaluate(IEnumerable<int> functions)
    {
        foreach (var index in functions)
        {
            var node = network.Smalls[index];
            var records = willReverse && differentiable.NeedsSmall(index);
            using var scope = NewDisposeScope();
            using var grad = records ? enable_grad() : no_grad();
            var leaves = Array.ConvertAll(node.Inputs, input => Leaf(input, node.Function!, records));
            var root = node.Function!.Compute(leaves);
            values[index] = root.detach().DetachFromDisposeScope();
            if (records)
            {
                this.records[index] = new(
                    Array.ConvertAll(leaves, leaf => leaf.DetachFromDisposeScope()), root.alias().DetachFromDisposeScope());
            }
        }
    }

    /// <summary>Does what is to be done once in a forward pass, in the order of the trace.</summary>
    public void TakeEffect()
    {
        using var scope = NewDisposeScope();
        foreach (var node in network.Smalls)
            node.Function?.Effect?.Invoke(Value(node.Index));
    }

    /// <summary>Backpropagates through functions, the last of which comes first.</summary>
    /// <param name="functions">Their indices, in the order in which they were evaluated.</param>
    /// <param name="parameters">Receives the gradients of parameters.</param>
    public void Backpropagate(IReadOnlyList<int> functions, IGradientSink parameters)
    {
        foreach (var index in functions.Reverse())
        {
            if (records[index] is not { } record || gradients[index] is not { } gradient)
                continue;
            using var scope = NewDisposeScope();
            var node = network.Smalls[index];
            var found = AutogradRecord.Backpropagate(
                record.Root,
                gradient.to(record.Root.dtype),
                [.. record.Leaves, .. node.Function!.Others],
                AutogradRecord.Learning(node.Function.Parameters),
                parameters);
            if (found[node.Inputs.Length..].Any(one => one is not null))
            {
                throw new UnsupportedLayerException(
                    node.Path,
                    node.Function.Name,
                    "uses a tensor that requires a gradient and is neither its argument nor a parameter; compute it within the function, of a parameter");
            }

            for (var operand = 0; operand < node.Inputs.Length; operand++)
            {
                if (found[operand] is { } one)
                    AddGradient(node.Inputs[operand], peers is not null && node.Function.ReadsAllImages ? peers.Own(one) : one);
            }

            record.Dispose();
            records[index] = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in values.Concat(gradients).Concat(ofTiles))
            tensor?.Dispose();
        foreach (var record in records)
            record?.Dispose();
        foreach (var sum in sums)
            sum?.Dispose();
        Array.Clear(values);
        Array.Clear(gradients);
        Array.Clear(ofTiles);
        Array.Clear(records);
        Array.Clear(sums);
    }

    /// <summary>Merges what all processes have added to a reduction, in their order, so that all have the same bits, each time.</summary>
    private void Merge(int reduction)
    {
        if (ranks is null)
            return;
        var own = sums[reduction]!;
        var parts = own.Parts();
        var all = zeros([ranks.Size, parts.Sum(part => part.numel())], ScalarType.Float64, CPU);
        all[ranks.Rank].copy_(cat([.. parts.Select(part => part.reshape(-1).to(CPU))]));
        ranks.Sum(all);
        var merged = network.Reductions[reduction].Kind.Start(shapes[reduction]!);
        for (var rank = 0; rank < ranks.Size; rank++)
        {
            var (others, place) = (new List<Tensor>(), 0L);
            foreach (var part in parts)
            {
                others.Add(all[rank].narrow(0, place, part.numel()).reshape(part.shape).to(device));
                place += part.numel();
            }

            merged.Merge(others);
        }

        sums[reduction] = merged;
        own.Dispose();
    }

    private Tensor Leaf(int input, SmallFunction function, bool records)
    {
        var value = peers is not null && function.ReadsAllImages ? peers.Gather(Value(input)) : Value(input);
        return (function.IsPrecise ? value.alias() : value.to(type)).detach().requires_grad_(records && differentiable.NeedsSmall(input));
    }

    private sealed record Recorded(Tensor[] Leaves, Tensor Root) : IDisposable
    {
        public void Dispose()
        {
            Root.Dispose();
            foreach (var leaf in Leaves)
                leaf.Dispose();
        }
    }
}
