using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>A function of small tensors, computed by ordinary autograd.</summary>
/// <param name="Compute">The function. It may not change its arguments.</param>
internal sealed record SmallFunction(Func<IReadOnlyList<Tensor>, Tensor> Compute)
{
    /// <summary>What it is called where it belongs to no module.</summary>
    public required string Name { get; init; }

    /// <summary>The parameters that it uses.</summary>
    public IReadOnlyList<Parameter> Parameters { get; init; } = [];

    /// <summary>Tensors that it may use though they require a gradient that it cannot give them.</summary>
    public IReadOnlyList<Tensor> Others { get; init; } = [];

    /// <summary>The modules that it calls.</summary>
    public IReadOnlyList<Module> Modules { get; init; } = [];

    /// <summary>Whether it gets reductions' results in float64, as they come, rather than in the network's type.</summary>
    public bool IsPrecise { get; init; }

    /// <summary>
    /// Whether it takes what it reads of all images that go through together, those of other processes among them, which come behind each
    /// other in the order of processes.
    /// </summary>
    public bool ReadsAllImages { get; init; }

    /// <summary>
    /// What is done with the value once in a forward pass, when all of that has run, in the order of the trace: statistics that are kept.
    /// </summary>
    public Action<Tensor>? Effect { get; init; }
}
