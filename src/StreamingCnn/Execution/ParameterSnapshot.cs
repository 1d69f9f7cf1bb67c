using StreamingCnn.Graph;
using StreamingCnn.Interop;
using TorchSharp.Modules;

namespace StreamingCnn.Execution;

/// <summary>
/// The state of a network's parameters, buffers and modes at the forward pass. The backward pass computes every tile again, so a change in
/// between would give wrong gradients without a word, where ordinary autograd notices.
/// </summary>
internal sealed class ParameterSnapshot(NetworkGraph graph)
{
    private readonly State[] states = Read(graph);

    /// <exception cref="InvalidOperationException">Something has changed.</exception>
    public void CheckUnchanged()
    {
        var now = Read(graph);
        for (var i = 0; i < states.Length; i++)
        {
            if (states[i] == now[i])
                continue;
            var what = states[i].Training != now[i].Training ? "training mode" : "parameters or buffers";
            throw new InvalidOperationException(
                $"The {what} of layer '{states[i].Path}' changed between the forward and the backward pass, which computes the layer again; call backward before the optimizer's step and before train() or eval().");
        }
    }

    private static State[] Read(NetworkGraph graph) =>
    [
        .. graph.Nodes.Select(node => new State(
            node.Path,
            node.Layer?.Modules.Count(module => module.training) ?? 0,
            node.Layer?.Modules.Sum(module => module.parameters().Sum(p => TensorVersion.Of(p)) + module.buffers().Sum(b => TensorVersion.Of(b))) ?? 0)),
    ];

    private readonly record struct State(string Path, int Training, long Version);
}
