using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>A module whose forward is plain code, as anybody's would be: the engine cannot see into it.</summary>
internal sealed class WrittenModule : Module<Tensor, Tensor>
{
    private readonly Func<Tensor, Tensor> compute;

    public WrittenModule(Func<Tensor, Tensor> compute, params Module[] layers)
        : base(nameof(WrittenModule))
    {
        this.compute = compute;
        for (var i = 0; i < layers.Length; i++)
            register_module($"layer{i}", layers[i]);
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return compute(input).MoveToOuterDisposeScope();
    }
}
