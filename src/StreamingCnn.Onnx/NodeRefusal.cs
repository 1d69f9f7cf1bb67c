namespace StreamingCnn.Onnx;

/// <summary>A node of a file that cannot be imported.</summary>
/// <param name="Node">Its name, or that of the value that it gives.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Reason">The end of a sentence that begins with the node: why, and what to do.</param>
public sealed record NodeRefusal(string Node, string Operator, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Node} ({Operator}) {Reason}";
}
