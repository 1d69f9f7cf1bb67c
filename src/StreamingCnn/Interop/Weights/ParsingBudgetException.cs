namespace StreamingCnn.Interop.Weights;

/// <summary>
/// A file asks for more than its size can be worth. The message is a clause, to be completed by whoever knows the
/// file's name.
/// </summary>
internal sealed class ParsingBudgetException(string message) : Exception(message);
