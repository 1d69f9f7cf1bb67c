using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A pointwise layer that may write its output over its input, because its gradient follows from the output.</summary>
internal interface IOverwritingLayer
{
    /// <summary>Replaces the input by the output.</summary>
    void Overwrite(Tensor input);

    /// <summary>Records the layer from its output alone.</summary>
    LayerRecord RecordOutput(Tensor output);
}
