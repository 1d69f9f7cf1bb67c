using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx;

/// <summary>The file that a network was made of.</summary>
/// <param name="Path">The file.</param>
/// <param name="Model">What it holds.</param>
internal sealed record OnnxSource(string Path, OnnxModel Model)
{
    /// <summary>The file's outputs.</summary>
    public string OutputNames => string.Join(", ", Model.Graph.Outputs.Select(output => output.Name));

    /// <summary>The first output.</summary>
    public string FirstOutput => Model.Graph.Outputs is [var first, ..] ? first.Name : throw new WireFormatException("has no output");

    /// <exception cref="OnnxFileException">The file cannot be read.</exception>
    public static OnnxSource Read(string path) => new(path, ModelReader.Read(path));

    /// <summary>A model whose values may be left out.</summary>
    /// <exception cref="OnnxFileException">It is damaged.</exception>
    public static OnnxSource OfStructure(ReadOnlyMemory<byte> structure, string name)
    {
        try
        {
            return new(name, ModelReader.Read(structure, mayLackValues: true));
        }
        catch (WireFormatException reason)
        {
            throw new OnnxFileException($"The structure of '{name}' is damaged: it {reason.Message}.", reason);
        }
    }

    /// <summary>Does something with the file, and says which it is where that fails.</summary>
    public T Guarded<T>(Func<T> make)
    {
        try
        {
            return make();
        }
        catch (WireFormatException reason)
        {
            throw new OnnxFileException($"'{Path}' holds no network that can be used: it {reason.Message}.", reason);
        }
    }

    /// <exception cref="UnsupportedOnnxException">There are refused nodes.</exception>
    public void Refuse(IReadOnlyList<NodeRefusal> refusals)
    {
        if (refusals.Count > 0)
            throw new UnsupportedOnnxException(Path, refusals);
    }
}
