using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// A forward and a backward pass of a network with several sources, always from the same gradients; some outputs have none.
/// </summary>
/// <param name="network">Whose parameters learn.</param>
/// <param name="sources">What it reads.</param>
/// <param name="seed">Of the outputs' gradients.</param>
internal sealed class FusionStep(Module network, Tensor[] sources, int seed)
{
    // Which outputs have a gradient is settled by the first run, which must be ordinary autograd's.
    private int[]? used;
    private readonly KeptBuffers kept = new(network);

    /// <summary>Whether every output has a gradient.</summary>
    public bool AllHaveGradients { get; init; }

    /// <summary>What a result depends on.</summary>
    public IReadOnlyList<Tensor> Leaves => [.. sources, .. network.parameters()];

    public StepResults Run(Func<Tensor[], Tensor[]> forward)
    {
        kept.Restore();
        var outputs = forward(sources);
        var random = new Random(seed);
        used ??=
        [
            .. Enumerable.Range(0, outputs.Length)
                .Where(output => outputs[output].requires_grad && (AllHaveGradients || random.Next(4) > 0)),
        ];
        using var generator = new Generator((ulong)seed + 1);
        Tensor[] given = [.. used.Select(output => randn(outputs[output].shape, ScalarType.Float64, generator: generator))];
        if (used.Length > 0)
            autograd.backward([.. used.Select(output => outputs[output])], given);

        var results = StepResults.OfOutputs(outputs);
        // They say how large gradients are, where norms leave nothing of the others but rounding.
        foreach (var (output, gradient) in used.Zip(given))
            results.AddGradient($"output {output}, as it is given", gradient);
        for (var source = 0; source < sources.Length; source++)
            results.TakeGradient($"source {source}", sources[source]);
        foreach (var (name, parameter) in network.named_parameters())
            results.TakeGradient(name, parameter);
        kept.Take(results);
        return results;
    }
}
