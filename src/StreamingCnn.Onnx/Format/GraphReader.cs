using System.Buffers.Binary;

namespace StreamingCnn.Onnx.Format;

/// <summary>Reads a graph, its nodes and what is said of its values.</summary>
internal static class GraphReader
{
    // Far more than networks have: a node that is no more than two bytes in a file takes hundreds in memory.
    private const int MostParts = 1 << 17;

    /// <exception cref="WireFormatException">It is damaged.</exception>
    public static OnnxGraph Read(ReadOnlyMemory<byte> bytes, TensorReader tensors)
    {
        var reader = new WireReader(bytes);
        var name = "";
        var (nodes, initialisers) = (new List<OnnxNode>(), new List<OnnxTensor>());
        var (inputs, outputs) = (new List<OnnxValueInfo>(), new List<OnnxValueInfo>());
        while (reader.Next())
        {
            if (nodes.Count > MostParts || inputs.Count > MostParts || outputs.Count > MostParts)
                throw new WireFormatException($"has more than {MostParts} nodes, inputs or outputs");
            switch (reader.Field)
            {
                case 1:
                    nodes.Add(Node(reader.Bytes(), tensors));
                    break;
                case 2:
                    name = reader.Text();
                    break;
                case 5:
                    initialisers.Add(tensors.Read(reader.Bytes()));
                    break;
                case 11:
                    inputs.Add(ValueInfo(reader.Bytes()));
                    break;
                case 12:
                    outputs.Add(ValueInfo(reader.Bytes()));
                    break;
                case 15:
                    throw new WireFormatException("has sparse initialisers, which are not supported");
                default:
                    reader.Skip();
                    break;
            }
        }

        return new() { Name = name, Nodes = nodes, Initialisers = initialisers, Inputs = inputs, Outputs = outputs };
    }

    /// <summary>A key and its value.</summary>
    public static KeyValuePair<string, string> Pair(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var (key, value) = ("", "");
        while (reader.Next())
        {
            if (reader.Field == 1)
                key = reader.Text();
            else if (reader.Field == 2)
                value = reader.Text();
            else
                reader.Skip();
        }

        return new(key, value);
    }

    private static OnnxNode Node(ReadOnlyMemory<byte> bytes, TensorReader tensors)
    {
        var reader = new WireReader(bytes);
        var (inputs, outputs) = (new List<string>(), new List<string>());
        var (name, type, domain) = ("", "", "");
        var attributes = new Dictionary<string, OnnxAttribute>();
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    inputs.Add(reader.Text());
                    break;
                case 2:
                    outputs.Add(reader.Text());
                    break;
                case 3:
                    name = reader.Text();
                    break;
                case 4:
                    type = reader.Text();
                    break;
                case 5:
                    var (key, value) = Attribute(reader.Bytes(), tensors);
                    attributes[key] = value;
                    break;
                case 7:
                    domain = reader.Text();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new() { Name = name, Operator = type, Domain = domain, Inputs = inputs, Outputs = outputs, Attributes = attributes };
    }

    private static (string Name, OnnxAttribute Value) Attribute(ReadOnlyMemory<byte> bytes, TensorReader tensors)
    {
        var reader = new WireReader(bytes);
        var name = "";
        var value = new OnnxAttribute();
        var (integers, singles) = (new List<long>(), new List<ReadOnlyMemory<byte>>());
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    name = reader.Text();
                    break;
                case 2:
                    value = value with { Single = reader.Single() };
                    break;
                case 3:
                    value = value with { Integer = reader.Integer() };
                    break;
                case 4:
                    value = value with { Text = reader.Text() };
                    break;
                case 5:
                    value = value with { Tensor = tensors.Read(reader.Bytes()) };
                    break;
                case 7:
                    reader.AddFixed(sizeof(float), singles);
                    break;
                case 8:
                    reader.AddIntegers(integers);
                    break;
                case 6 or 11:
                    value = value with { IsGraph = true };
                    reader.Skip();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return (name, value with
        {
            Integers = integers.Count > 0 ? integers : null,
            Singles = singles.Count > 0 ? [.. singles.SelectMany(Singles)] : null,
        });

        static IEnumerable<float> Singles(ReadOnlyMemory<byte> part) => Enumerable.Range(0, part.Length / sizeof(float))
            .Select(i => BinaryPrimitives.ReadSingleLittleEndian(part.Span[(i * sizeof(float))..]));
    }

    private static OnnxValueInfo ValueInfo(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var value = new OnnxValueInfo("", OnnxType.None, null);
        while (reader.Next())
        {
            if (reader.Field == 1)
                value = value with { Name = reader.Text() };
            else if (reader.Field == 2)
                value = Type(reader.Bytes(), value);
            else
                reader.Skip();
        }

        return value;
    }

    private static OnnxValueInfo Type(ReadOnlyMemory<byte> bytes, OnnxValueInfo value)
    {
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            if (reader.Field != 1)
            {
                reader.Skip();
                continue;
            }

            var tensor = new WireReader(reader.Bytes());
            while (tensor.Next())
            {
                if (tensor.Field == 1)
                    value = value with { Type = (OnnxType)tensor.Integer() };
                else if (tensor.Field == 2)
                    value = value with { Shape = Shape(tensor.Bytes()) };
                else
                    tensor.Skip();
            }
        }

        return value;
    }

    private static List<long?> Shape(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var shape = new List<long?>();
        while (reader.Next())
        {
            if (reader.Field != 1)
            {
                reader.Skip();
                continue;
            }

            var dimension = new WireReader(reader.Bytes());
            long? side = null;
            while (dimension.Next())
            {
                if (dimension.Field == 1)
                    side = dimension.Integer();
                else
                    dimension.Skip();
            }

            shape.Add(side > 0 ? side : null);
        }

        return shape;
    }
}
