using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>A layer recorded by autograd: its operands as leaves, its output as the root.</summary>
internal sealed class AutogradRecord : LayerRecord
{
    private readonly Tensor[] leaves;
    private readonly Tensor root;

    private AutogradRecord(Tensor[] leaves, Tensor root)
    {
        this.leaves = leaves;
        this.root = root;
    }

    public static (Tensor Output, LayerRecord Record) Run(LocalLayer layer, IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var leaves = new Tensor[inputs.Count];
        for (var i = 0; i < leaves.Length; i++)
            leaves[i] = inputs[i].detach().requires_grad_(wanted[i]).DetachFromDisposeScope();

        Tensor root;
        using (NewDisposeScope())
        using (enable_grad())
            root = layer.Compute(leaves, patch).DetachFromDisposeScope();
        return (root.detach(), new AutogradRecord(leaves, root));
    }

    public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
    {
        // A rectangle that reads nothing but padding hangs on no operand.
        if (root.requires_grad)
            autograd.backward([root], [gradient]);
        root.Dispose();
        var gradients = new LayerGradient?[leaves.Length];
        for (var i = 0; i < leaves.Length; i++)
        {
            // Autograd may hand its incoming gradient through (an addition does), so the memory may be shared.
            if (leaves[i].requires_grad && leaves[i].grad is { } grad)
                gradients[i] = new(grad, IsExclusive: false);
            leaves[i].Dispose();
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
