using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>A layer recorded by autograd: its operands as leaves, its output as the root.</summary>
internal sealed class AutogradRecord : LayerRecord
{
    private readonly Tensor[] leaves;
    private readonly Parameter[] learning;
    private readonly Tensor root;

    private AutogradRecord(Tensor[] leaves, Parameter[] learning, Tensor root)
    {
        this.leaves = leaves;
        this.learning = learning;
        this.root = root;
    }

    public static (Tensor Output, LayerRecord Record) Run(
        LocalLayer layer, IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var leaves = new Tensor[inputs.Count];
        for (var i = 0; i < leaves.Length; i++)
            leaves[i] = inputs[i].detach().requires_grad_(wanted[i]).DetachFromDisposeScope();

        Tensor root;
        using (NewDisposeScope())
        using (enable_grad())
            root = layer.Compute(leaves, patch).DetachFromDisposeScope();
        return (root.detach(), new AutogradRecord(leaves, Learning(layer.Parameters), root));
    }

    public override IEnumerable<Tensor> Held => [.. leaves, root];

    public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
    {
        var found = Backpropagate(root, gradient, leaves, learning, parameters);
        Dispose();
        // Autograd may hand its incoming gradient through (an addition does), so the memory may be shared.
        return Array.ConvertAll(found, one => one is null ? (LayerGradient?)null : new LayerGradient(one, IsExclusive: false));
    }

    /// <summary>The parameters that learn, each once.</summary>
    public static Parameter[] Learning(IEnumerable<Parameter> parameters) =>
        [.. parameters.Where(parameter => parameter.requires_grad).DistinctBy(parameter => parameter.Handle)];

    /// <summary>Takes what autograd has recorded backwards.</summary>
    /// <param name="root">The output.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="leaves">Operands.</param>
    /// <param name="learning">Parameters that learn.</param>
    /// <param name="parameters">Receives their gradients.</param>
    /// <returns>For each operand its gradient, or null where none is wanted or none came.</returns>
    public static Tensor?[] Backpropagate(Tensor root, Tensor gradient, Tensor[] leaves, Parameter[] learning, IGradientSink parameters)
    {
        Tensor[] operands = [.. leaves.Where(leaf => leaf.requires_grad), .. learning];
        // A rectangle that reads nothing but padding hangs on no operand.
        if (!root.requires_grad || operands.Length == 0)
            return new Tensor?[leaves.Length];
        var found = new Queue<Tensor?>(ScriptedOperators.Gradients(root, gradient, operands));
        var gradients = Array.ConvertAll(leaves, leaf => leaf.requires_grad ? found.Dequeue() : null);
        foreach (var parameter in learning)
        {
            if (found.Dequeue() is { } one)
                parameters.Add(parameter, one);
        }

        return gradients;
    }

    public override void Dispose()
    {
        root.Dispose();
        foreach (var leaf in leaves)
            leaf.Dispose();
    }
}
