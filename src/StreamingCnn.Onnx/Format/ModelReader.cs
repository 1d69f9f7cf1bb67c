using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Onnx.Format;

/// <summary>Reads a file of ONNX.</summary>
internal static class ModelReader
{
    /// <summary>Reads a file whole; protobuf allows no larger ones than 2 GiB. Weights beside it are read as they are met.</summary>
    /// <exception cref="OnnxFileException">The file cannot be read, or is damaged.</exception>
    public static OnnxModel Read(string path)
    {
        var length = new FileInfo(path) is { Exists: true } file
            ? file.Length
            : throw new OnnxFileException($"There is no file '{path}' to read a network from.");
        if (length > Array.MaxLength)
            throw new OnnxFileException($"'{path}' has {length} bytes, but ONNX allows 2 GiB; keep the weights in files beside it.");
        try
        {
            return Read(File.ReadAllBytes(path), new ExternalData(path));
        }
        catch (WireFormatException reason)
        {
            throw new OnnxFileException($"'{path}' is no ONNX file that can be read: it {reason.Message}.", reason);
        }
        catch (Exception reason) when (reason is UnauthorizedAccessException or NotSupportedException)
        {
            throw new OnnxFileException($"'{path}' cannot be read as ONNX: {reason.Message}", reason);
        }
    }

    /// <summary>Reads a model from memory.</summary>
    /// <param name="bytes">The file's content.</param>
    /// <param name="external">The files beside it; null where there are none.</param>
    /// <param name="mayLackValues">Whether values of tensors may be left out.</param>
    /// <exception cref="WireFormatException">It is damaged.</exception>
    public static OnnxModel Read(ReadOnlyMemory<byte> bytes, ExternalData? external = null, bool mayLackValues = false)
    {
        var reader = new WireReader(bytes);
        OnnxGraph? graph = null;
        long? opset = null;
        long irVersion = 0;
        var producer = "";
        var metadata = new List<KeyValuePair<string, string>>();
        var tensors = new TensorReader(external, mayLackValues);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    irVersion = reader.Integer();
                    break;
                case 2:
                    producer = reader.Text();
                    break;
                case 7:
                    graph = GraphReader.Read(reader.Bytes(), tensors);
                    break;
                case 8:
                    var (domain, version) = Opset(reader.Bytes());
                    if (domain is "" or "ai.onnx")
                        opset = version;
                    break;
                case 14:
                    metadata.Add(GraphReader.Pair(reader.Bytes()));
                    break;
                case 25:
                    throw new WireFormatException("has functions of its own, which are not supported; export it without them");
                default:
                    reader.Skip();
                    break;
            }
        }

        return new()
        {
            IrVersion = irVersion,
            Producer = Excerpt.Of(producer),
            Opset = opset ?? throw new WireFormatException("does not say which version of the operators it uses"),
            Graph = graph ?? throw new WireFormatException("has no graph"),
            Metadata = metadata,
        };
    }

    private static (string Domain, long Version) Opset(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var (domain, version) = ("", 0L);
        while (reader.Next())
        {
            if (reader.Field == 1)
                domain = reader.Text();
            else if (reader.Field == 2)
                version = reader.Integer();
            else
                reader.Skip();
        }

        return (domain, version);
    }
}
