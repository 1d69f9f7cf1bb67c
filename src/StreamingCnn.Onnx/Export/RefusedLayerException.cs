namespace StreamingCnn.Onnx.Export;

/// <summary>Ends the writing of a layer.</summary>
/// <param name="reason">The end of a sentence that begins with the layer.</param>
internal sealed class RefusedLayerException(string reason) : Exception(reason);
