using StreamingCnn.Distributed;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Split;

/// <summary>
/// One process's stripe of a run, with what all of them make together: whole outputs where they are to be tensors, and gradients of
/// parameters and sources, added up once. Sinks of other kinds get the stripe alone.
/// </summary>
/// <param name="run">The stripe.</param>
/// <param name="ranks">The processes.</param>
/// <param name="sources">The run's sources, which say what outputs are.</param>
internal sealed class SplitRun(IDifferentiableRun run, ICommunicator ranks, SourceSet sources) : IDifferentiableRun
{
    /// <inheritdoc/>
    public int Outputs => run.Outputs;

    /// <inheritdoc/>
    public Tensor? Small(int output) => run.Small(output);

    /// <inheritdoc/>
    public void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress)
    {
        run.Forward(sinks, progress);
        using var grad = no_grad();
        foreach (var (output, sink) in sinks.Index())
        {
            using var small = run.Small(output);
            if (small is null && sink is TensorSink map)
                map.Join(ranks, sources.Type, sources.Device);
        }
    }

    /// <inheritdoc/>
    public (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        var (ofSources, ofParameters) = run.Backward(gradients, progress);
        Sum(ofSources);
        Sum(ofParameters);
        return (ofSources, ofParameters);
    }

    /// <inheritdoc/>
    public void Dispose() => run.Dispose();

    /// <summary>Adds up gradients in one message. What no process has stays away.</summary>
    private void Sum(Tensor?[] gradients)
    {
        var there = Array.ConvertAll(gradients, gradient => gradient is null ? 0.0 : 1.0);
        ranks.Sum(there.AsSpan());
        if (Array.TrueForAll(there, count => count == 0))
            return;

        using var scope = NewDisposeScope();
        if (there.Any(count => count != 0 && count != ranks.Size))
            throw new InvalidOperationException($"Of the {ranks.Size} ranks that share an image some have gradients that others have not; give all ranks the same network, and have the same of its weights learn.");
        Tensor[] summed = [.. gradients.OfType<Tensor>()];
        var type = summed.Any(gradient => gradient.dtype == ScalarType.Float64) ? ScalarType.Float64 : ScalarType.Float32;
        var all = empty(summed.Sum(gradient => gradient.numel()), type, CPU);
        ForEach((gradient, part) => part.copy_(gradient));
        ranks.Sum(all);
        ForEach((gradient, part) => gradient.copy_(part));

        void ForEach(Action<Tensor, Tensor> take)
        {
            long place = 0;
            foreach (var gradient in summed)
            {
                using var flat = all.narrow(0, place, gradient.numel());
                using var part = flat.view(gradient.shape);
                take(gradient, part);
                place += gradient.numel();
            }
        }
    }
}
