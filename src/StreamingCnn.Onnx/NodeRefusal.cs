namespace StreamingCnn.Onnx;

/// <summary>A node of a file that cannot be imported.</summary>
/// <param name="Node">Its name, or that of the value that it gives.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Reason">The end of a sentence that begins with the node: why, and what to do.</param>
public sealed record NodeRefusal(string Node, string Operator, string Reason)
{
    /// <summary>The sentence, without characters that steer a terminal: names are the file's.</summary>
    public override string ToString()
    {
        var sentence = $"{Node} ({Operator}) {Reason}";
        return sentence.Any(char.IsControl) ? string.Concat(sentence.Select(c => char.IsControl(c) ? '?' : c)) : sentence;
    }
}
