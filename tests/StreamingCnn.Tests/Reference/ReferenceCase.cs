using System.Runtime.InteropServices;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reference;

/// <summary>A small network with image, output and gradients that PyTorch made of the whole image, in float64.</summary>
internal sealed class ReferenceCase
{
    private readonly byte[] data;
    private readonly Dictionary<string, (long[] Shape, long Offset, long Count)> tensors;

    public ReferenceCase(string jsonPath)
    {
        Description = JsonDocument.Parse(File.ReadAllText(jsonPath)).RootElement;
        data = File.ReadAllBytes(Path.ChangeExtension(jsonPath, ".bin"));
        tensors = Description.GetProperty("tensors").EnumerateArray().ToDictionary(
            t => t.GetProperty("name").GetString()!,
            t =>
                (
                    t.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray(),
                    t.GetProperty("offset").GetInt64(),
                    t.GetProperty("count").GetInt64()));
    }

    public JsonElement Description { get; }

    public IEnumerable<string> Names => tensors.Keys;

    public Tensor Read(string name)
    {
        var (shape, offset, count) = tensors[name];
        var values = MemoryMarshal.Cast<byte, double>(data.AsSpan((int)offset, (int)count * sizeof(double))).ToArray();
        return tensor(values, dtype: ScalarType.Float64).reshape(shape);
    }
}
