using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import;

/// <summary>Puts nodes in an order in which each stands behind those that it reads, and leaves out those that nothing needs.</summary>
internal static class NodeOrder
{
    /// <exception cref="WireFormatException">The nodes wait for each other, or two give one value.</exception>
    public static IReadOnlyList<OnnxNode> Of(IReadOnlyList<OnnxNode> nodes, IEnumerable<string> outputs)
    {
        var givers = new Dictionary<string, int>();
        for (var i = 0; i < nodes.Count; i++)
        {
            foreach (var output in nodes[i].Outputs.Where(output => output.Length > 0))
            {
                if (!givers.TryAdd(output, i))
                    throw new WireFormatException($"has two nodes that give '{Excerpt.Of(output)}'");
            }
        }

        // 0 for one that was not met, 1 for one whose inputs are waited for, 2 for one that is done.
        var state = new byte[nodes.Count];
        var ordered = new List<OnnxNode>();
        var waiting = new Stack<(int Node, int Input)>();
        foreach (var output in outputs)
        {
            Visit(output);
            while (waiting.TryPop(out var top))
            {
                var (node, input) = top;
                if (input == nodes[node].Inputs.Count)
                {
                    state[node] = 2;
                    ordered.Add(nodes[node]);
                    continue;
                }

                waiting.Push((node, input + 1));
                Visit(nodes[node].Inputs[input]);
            }
        }

        return ordered;

        void Visit(string value)
        {
            if (!givers.TryGetValue(value, out var giver) || state[giver] == 2)
                return;
            if (state[giver] == 1)
                throw new WireFormatException($"has nodes that wait for each other, among them '{Excerpt.Of(nodes[giver].Title)}'");
            state[giver] = 1;
            waiting.Push((giver, 0));
        }
    }
}
