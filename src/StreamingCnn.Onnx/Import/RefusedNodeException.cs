namespace StreamingCnn.Onnx.Import;

/// <summary>Ends the import of one node.</summary>
/// <param name="reason">The end of a sentence that begins with the node.</param>
internal sealed class RefusedNodeException(string reason) : Exception(reason);
