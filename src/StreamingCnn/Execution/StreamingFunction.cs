using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// A streamed run as one node of autograd's graph. Its operands are an anchor, the sources whose gradients are wanted, and the
/// parameters; its results are the outputs.
/// </summary>
internal sealed class StreamingFunction : autograd.MultiTensorFunction<StreamingFunction>
{
    private const string RunKey = "run";

    // Anchor, run, progress, failure, number of sources; then come the sources, then the parameters.
    private const int FirstSource = 5;

    // Gradients handed to the engine must outlive the call. They are let go at the next one, or with the thread.
    [ThreadStatic]
    private static List<Tensor>? handedOver;

    /// <inheritdoc/>
    public override string Name => nameof(StreamingFunction);

    /// <summary>Runs sources forwards and ties the outputs to the graph.</summary>
    /// <param name="run">The run; autograd's graph takes it over once it has run forwards.</param>
    /// <param name="sources">Each source if its gradient is wanted, otherwise null.</param>
    /// <param name="parameters">The parameters that the gradients are for.</param>
    /// <param name="progress">Told of every tile.</param>
    public static Tensor[] Apply(
        Handover<IDifferentiableRun> run, IReadOnlyList<Tensor?> sources, IEnumerable<Tensor> parameters, IProgress<TileProgress>? progress)
    {
        using var scope = NewDisposeScope();
        var failure = new BackwardFailure();
        object?[] operands = [failure.Anchor(), run.Value, progress, failure, sources.Count, .. sources, .. parameters];
        var outputs = apply(operands!);
        run.Take();
        return [.. outputs.Select(output => output.MoveToOuterDisposeScope())];
    }

    /// <inheritdoc/>
    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var run = (IDifferentiableRun)vars[1];
        ctx.set_materialize_grads(false);
        ctx.save_data(RunKey, new Saved(run, (IProgress<TileProgress>?)vars[2], (BackwardFailure)vars[3], (int)vars[4], vars.Length));
        return [.. TensorSink.Run(run, (IProgress<TileProgress>?)vars[2])];
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        Release();
        var saved = (Saved)ctx.get_data(RunKey)!;
        var results = new Tensor?[saved.Operands];
        try
        {
            if (TorchSharp.torch.is_grad_enabled())
                throw new NotSupportedException("Gradients of gradients cannot be streamed: call backward without create_graph, or run the trunk itself on the whole image.");

            var (sources, parameters) = saved.Run.Backward(
                [.. grad_outputs.Select(gradient => gradient.IsInvalid ? null : gradient)], saved.Progress);
            sources.CopyTo(results.AsSpan(FirstSource));
            parameters.CopyTo(results.AsSpan(FirstSource + saved.Sources));
        }
        catch (Exception failure)
        {
            Array.Clear(results);
            results[0] = saved.Failure.Refused(failure).DetachFromDisposeScope();
        }
        finally
        {
            saved.Run.Dispose();
            foreach (var gradient in grad_outputs)
                gradient.Dispose();
        }

        (handedOver ??= []).AddRange(results.OfType<Tensor>());
        return [.. results.Select(result => result!)];
    }

    /// <summary>Lets go of what the last backward pass on this thread handed over.</summary>
    public static void Release()
    {
        foreach (var tensor in handedOver ?? [])
            tensor.Dispose();
        handedOver?.Clear();
    }

    private sealed record Saved(
        IDifferentiableRun Run, IProgress<TileProgress>? Progress, BackwardFailure Failure, int Sources, int Operands);
}
