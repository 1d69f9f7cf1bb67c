using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Layers;

/// <summary>A sum, product or the like of a map and a parameter with a value for each channel, or one for all.</summary>
/// <param name="name">What it is called.</param>
/// <param name="parameter">Finds the parameter.</param>
/// <param name="function">Of the map and the values [C, 1, 1].</param>
/// <param name="kept">Maps that autograd keeps of it besides operand and output.</param>
internal sealed class ChannelValues(string name, Func<Parameter> parameter, Func<Tensor, Tensor, Tensor> function, int kept) : LocalLayer
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override bool IsPointwise => true;

    /// <inheritdoc/>
    public override IEnumerable<Parameter> Parameters => [parameter()];

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs)
    {
        var count = parameter().numel();
        return count == 1 || count == inputs[0]
            ? inputs[0]
            : throw new GeometryException($"has values for {count} channels, but the map has {inputs[0]}");
    }

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    /// <inheritdoc/>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Whole(inputs);

    /// <inheritdoc/>
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => function(inputs[0], parameter().reshape(-1, 1, 1));

    /// <inheritdoc/>
    internal override LayerMemory MemoryOf(in Patch patch) => base.MemoryOf(patch) with { ValuesPerOutput = kept };
}
