using StreamingCnn.Onnx.Export;
using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>
/// Nodes as a layer is written, held against those of a file: a layer of many operators is known again if all of them are the same,
/// whatever they are called.
/// </summary>
internal sealed class WrittenForm
{
    private readonly GraphView view;
    private readonly GraphView form;
    private readonly Dictionary<string, string> found = [];

    private WrittenForm(GraphView view, GraphView form) => (this.view, this.form) = (view, form);

    /// <summary>Finds in a file what was written.</summary>
    /// <param name="view">The file.</param>
    /// <param name="value">The value that is to be what was written.</param>
    /// <param name="written">What was written.</param>
    /// <param name="output">The value of it that is looked for.</param>
    /// <returns>
    /// What each value that was written is called in the file, and so what stands there for those that were left open: values that no node
    /// gave and no tensor was written for. Null where the file has other nodes.
    /// </returns>
    public static IReadOnlyDictionary<string, string>? Find(GraphView view, string value, GraphWriter written, string output)
    {
        var search = new WrittenForm(view, new(written.Nodes, written.Initialisers));
        return search.Is(value, output) ? search.found : null;
    }

    private bool Is(string value, string expected)
    {
        if (found.TryGetValue(expected, out var known))
            return known == value;
        found.Add(expected, value);
        if (form.Giver(expected) is { } node)
            return view.Giver(value) is { } other && Is(other, node) && IndexOf(other, value) == IndexOf(node, expected);
        return form.Tensor(expected) is not { } tensor || (view.Tensor(value) is { } given && Is(given, tensor));
    }

    private bool Is(OnnxNode node, OnnxNode expected) =>
        node.Operator == expected.Operator
        && node.Domain is "" or "ai.onnx"
        && node.Outputs.Count == expected.Outputs.Count
        && node.Attributes.Count == expected.Attributes.Count
        && expected.Attributes.All(entry => node.Attributes.GetValueOrDefault(entry.Key) is { } other && Is(other, entry.Value))
        && node.Inputs.Count == expected.Inputs.Count
        && node.Inputs.Zip(expected.Inputs).All(pair => Is(pair.First, pair.Second));

    private static bool Is(OnnxAttribute attribute, OnnxAttribute expected) =>
        attribute.Integer == expected.Integer
        && attribute.Text == expected.Text
        && (attribute.Integers ?? []).SequenceEqual(expected.Integers ?? []);

    private static bool Is(OnnxTensor tensor, OnnxTensor expected) =>
        tensor.Type == expected.Type
        && tensor.Shape.SequenceEqual(expected.Shape)
        && tensor.Parts.SelectMany(part => part.ToArray()).SequenceEqual(expected.Parts.SelectMany(part => part.ToArray()));

    private static int IndexOf(OnnxNode node, string output) => node.Outputs.TakeWhile(other => other != output).Count();
}
