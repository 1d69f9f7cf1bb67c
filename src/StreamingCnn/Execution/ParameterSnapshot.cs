using StreamingCnn.Graph;
using StreamingCnn.Interop;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Execution;

/// <summary>
/// The state of a network's parameters, buffers and modes at one time. The backward pass computes every tile again, so a change in
/// between would give wrong gradients without a word, where ordinary autograd notices.
/// </summary>
internal sealed class ParameterSnapshot
{
    /// <summary>What <see cref="Change"/> calls values that have changed.</summary>
    public const string Tensors = "parameters or buffers";

    private readonly Func<IEnumerable<(string Path, IEnumerable<Module> Modules)>> layers;
    private readonly State[] states;

    private ParameterSnapshot(Func<IEnumerable<(string Path, IEnumerable<Module> Modules)>> layers)
    {
        this.layers = layers;
        states = Read();
    }

    /// <summary>The state of all layers of a graph.</summary>
    public static ParameterSnapshot Of(NetworkGraph graph) => new(() => graph.Nodes.Select(node => (node.Path, node.Layer?.Modules ?? [])));

    /// <summary>The state of a module and of all modules in it.</summary>
    public static ParameterSnapshot Of(Module module) =>
        new(() => module.named_modules().Prepend(("", module)).Select(named => (named.Item1, (IEnumerable<Module>)[named.Item2])));

    /// <summary>What has changed since, and the path of the layer; null for nothing.</summary>
    public (string What, string Path)? Change()
    {
        var now = Read();
        for (var i = 0; i < Math.Max(states.Length, now.Length); i++)
        {
            if (i >= states.Length || i >= now.Length || states[i].Path != now[i].Path)
                return ("modules", "");
            if (!states[i].Training.SequenceEqual(now[i].Training))
                return ("training mode", states[i].Path);
            if (!states[i].Values.SequenceEqual(now[i].Values))
                return (Tensors, states[i].Path);
        }

        return null;
    }

    /// <exception cref="InvalidOperationException">Something has changed.</exception>
    public void CheckUnchanged()
    {
        if (Change() is var (what, path))
        {
            throw new InvalidOperationException(
                $"The {what} of {(path.Length == 0 ? "the trunk" : $"layer '{path}'")} changed between the forward and the backward pass, "
                + "which computes the layer again; call backward before the optimizer's step and before train() or eval().");
        }
    }

    private State[] Read() =>
    [
        .. layers().Select(layer => new State(
            layer.Path,
            [.. layer.Modules.Select(module => module.training)],
            [
                .. layer.Modules.SelectMany(module => module.parameters(recurse: false).Concat(module.buffers(recurse: false)))
                    .Select(tensor => (tensor.Handle, TensorVersion.Of(tensor))),
            ])),
    ];

    private readonly record struct State(string Path, bool[] Training, (IntPtr Handle, long Version)[] Values);
}
