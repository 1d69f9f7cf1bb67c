namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// A pickle is damaged, or asks for something that is not allowed. The message is a clause, to be completed by whoever knows the file's
/// name.
/// </summary>
internal sealed class PickleException(string message) : Exception(message);
