using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>An activation as autograd records it.</summary>
/// <param name="activation">The module.</param>
/// <param name="kept">Maps that autograd keeps of it besides input and output.</param>
internal class ActivationLayer(Module<Tensor, Tensor> activation, int kept) : PointwiseLayer(activation)
{
    internal override LayerMemory MemoryOf(in Patch patch) => base.MemoryOf(patch) with { ValuesPerOutput = kept };
}

/// <summary>An activation of single values whose output the library would lay out channels first, whatever comes in.</summary>
internal sealed class InOrderActivationLayer(Module<Tensor, Tensor> activation, int kept) : ActivationLayer(activation, kept)
{
    protected override Tensor Apply(Tensor input) => input.Format() == MapFormat.ChannelsLast
        ? base.Apply(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        : base.Apply(input);
}

/// <summary>An activation that is set to work in place. It is given a copy, since its input is still needed by others.</summary>
internal sealed class InPlaceActivationLayer(Module<Tensor, Tensor> activation, int kept) : ActivationLayer(activation, kept)
{
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => ((Module<Tensor, Tensor>)Module).call(inputs[0].clone());

    protected override Tensor Apply(Tensor input)
    {
        // Not disposed: an activation in place returns its very argument.
        var copy = input.clone();
        return ((Module<Tensor, Tensor>)Module).forward(copy);
    }
}

/// <summary>ReLU, whose gradient follows from its output, so that it may overwrite its input.</summary>
internal sealed class ReluLayer(ReLU relu) : PointwiseLayer(relu), IOverwritingLayer
{
    public override bool OutputIsFresh => true;

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => relu.call(relu.inplace ? inputs[0].clone() : inputs[0]);

    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: false, KeepsOutput: true) { GradientIsFresh = true };

    public void Overwrite(Tensor input) => input.relu_();

    public LayerRecord RecordOutput(Tensor output) => new Record(output.alias().DetachFromDisposeScope());

    protected override Tensor Apply(Tensor input) => input.relu();

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var output = inputs[0].relu();
        return (output, RecordOutput(output));
    }

    private sealed class Record(Tensor output) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [output];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var input = ScriptedOperators.ReluBackward(gradient, output);
            output.Dispose();
            return [new(input, IsExclusive: true)];
        }

        public override void Dispose() => output.Dispose();
    }
}

/// <summary>
/// BatchNorm2d or InstanceNorm2d with its running statistics: an affine map of each channel, whose weight and bias may be trained.
/// </summary>
/// <param name="norm">The module.</param>
/// <param name="evaluate">Use the running statistics in training mode as well.</param>
internal sealed class BatchNormLayer(NormBase norm, bool evaluate) : PointwiseLayer(norm)
{
    /// <summary>The module.</summary>
    internal NormBase Norm => norm;

    internal override bool IsRightInBFloat16 => true;

    public override bool OutputIsFresh => true;

    public override string? Refusal => norm.running_mean is null || norm.running_var is null
        ? "has no running statistics, which it needs in evaluation mode; set running_mean and running_var, or call train() on it"
        : null;

    public override long? InputChannels => norm.num_features;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == norm.num_features
        ? inputs[0]
        : throw new GeometryException($"expects {norm.num_features} channels, but gets {inputs[0]}");

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => evaluate ? Apply(inputs[0]) : norm.call(inputs[0]);

    protected override Tensor Apply(Tensor input) =>
        functional.batch_norm(input, norm.running_mean, norm.running_var, norm.weight, norm.bias, false, 0, norm.eps);
}

/// <summary>A gated linear unit over channels, which halves their number.</summary>
internal sealed class GatedLinearUnitLayer(GLU unit) : PointwiseLayer(unit)
{
    public override string? Refusal => OverChannels.RefusalOf(unit.dim);

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] % 2 == 0
        ? inputs[0] / 2
        : throw new GeometryException($"needs an even number of channels, but gets {inputs[0]}");
}

/// <summary>A softmax, which is local when it runs over channels.</summary>
/// <param name="softmax">The module.</param>
/// <param name="dimension">What it runs over.</param>
/// <param name="function">What it computes, over a dimension. The library would lay its output out channels first.</param>
internal sealed class SoftmaxLayer(Module<Tensor, Tensor> softmax, long dimension, Func<Tensor, long, Tensor> function)
    : PointwiseLayer(softmax)
{
    public override string? Refusal => OverChannels.RefusalOf(dimension);

    protected override Tensor Apply(Tensor input) => input.Format() == MapFormat.ChannelsLast
        ? function(input.permute(0, 2, 3, 1), 3).permute(0, 3, 1, 2)
        : function(input, 1);
}

internal static class OverChannels
{
    public static string? RefusalOf(long dimension) => dimension is 1 or -3
        ? null
        : $"runs over dimension {dimension}, which is not that of the channels; use dimension 1, or move it to the head";
}
