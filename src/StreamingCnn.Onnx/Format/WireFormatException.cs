namespace StreamingCnn.Onnx.Format;

/// <summary>Bytes are no protobuf message. The message is the end of a sentence that begins with the file's name.</summary>
/// <param name="reason">What is wrong.</param>
internal sealed class WireFormatException(string reason) : Exception(reason);
