namespace StreamingCnn.Onnx.Format;

/// <summary>Writes a file of ONNX.</summary>
internal static class ModelWriter
{
    /// <summary>Writes a model.</summary>
    public static void Write(Stream output, OnnxModel model)
    {
        var writer = new WireWriter(output);
        writer.Integer(1, model.IrVersion);
        writer.Text(2, model.Producer);
        writer.Message(7, graph => Write(graph, model.Graph));
        writer.Message(8, opset => opset.Integer(2, model.Opset));
        foreach (var (key, value) in model.Metadata)
        {
            writer.Message(14, pair =>
            {
                pair.Text(1, key);
                pair.Text(2, value);
            });
        }
    }

    private static void Write(WireWriter writer, OnnxGraph graph)
    {
        foreach (var node in graph.Nodes)
            writer.Message(1, message => Write(message, node));
        writer.Text(2, graph.Name);
        foreach (var tensor in graph.Initialisers)
            writer.Message(5, message => Write(message, tensor));
        foreach (var input in graph.Inputs)
            writer.Message(11, message => Write(message, input));
        foreach (var output in graph.Outputs)
            writer.Message(12, message => Write(message, output));
    }

    private static void Write(WireWriter writer, OnnxNode node)
    {
        // One that is left out has an empty name, which must stand there.
        foreach (var input in node.Inputs)
            writer.Bytes(1, System.Text.Encoding.UTF8.GetBytes(input));
        foreach (var output in node.Outputs)
            writer.Bytes(2, System.Text.Encoding.UTF8.GetBytes(output));
        writer.Text(3, node.Name);
        writer.Text(4, node.Operator);
        foreach (var (name, value) in node.Attributes)
            writer.Message(5, message => Write(message, name, value));
        writer.Text(7, node.Domain);
    }

    private static void Write(WireWriter writer, string name, OnnxAttribute value)
    {
        writer.Text(1, name);
        if (value.Single is { } single)
            Typed(1, () => writer.Single(2, single));
        else if (value.Integer is { } integer)
            Typed(2, () => writer.Integer(3, integer));
        else if (value.Text is { } text)
            Typed(3, () => writer.Text(4, text));
        else if (value.Tensor is { } tensor)
            Typed(4, () => writer.Message(5, message => Write(message, tensor)));
        else if (value.Singles is { } singles)
            Typed(6, () => Each(singles, one => writer.Single(7, one)));
        else if (value.Integers is { } integers)
            Typed(7, () => Each(integers, one => writer.Integer(8, one)));

        void Typed(int type, Action write)
        {
            write();
            writer.Integer(20, type);
        }

        static void Each<T>(IEnumerable<T> values, Action<T> write)
        {
            foreach (var one in values)
                write(one);
        }
    }

    private static void Write(WireWriter writer, OnnxTensor tensor)
    {
        foreach (var side in tensor.Shape)
            writer.Integer(1, side);
        writer.Integer(2, (int)tensor.Type);
        writer.Text(8, tensor.Name);
        if (tensor.Parts.Count > 0)
            writer.Bytes(9, tensor.Parts is [var all] ? all.Span : tensor.Parts.SelectMany(part => part.ToArray()).ToArray());
    }

    private static void Write(WireWriter writer, OnnxValueInfo value)
    {
        writer.Text(1, value.Name);
        writer.Message(2, type => type.Message(1, tensor =>
        {
            tensor.Integer(1, (int)value.Type);
            if (value.Shape is { } shape)
                tensor.Message(2, message => Write(message, shape, value.Names));
        }));
    }

    private static void Write(WireWriter writer, IReadOnlyList<long?> shape, IReadOnlyList<string>? names)
    {
        for (var i = 0; i < shape.Count; i++)
        {
            var (side, name) = (shape[i], names?[i] ?? "");
            writer.Message(1, dimension =>
            {
                if (side is { } length)
                    dimension.Integer(1, length);
                else
                    dimension.Text(2, name);
            });
        }
    }
}
