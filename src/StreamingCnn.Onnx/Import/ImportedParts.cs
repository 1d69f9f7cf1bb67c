using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import;

/// <summary>Holds a network's parts before it is known what kind of network it is.</summary>
internal sealed class ImportedParts() : Module(nameof(ImportedParts));
