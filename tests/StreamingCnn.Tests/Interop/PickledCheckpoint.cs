using System.IO.Compression;
using System.Text;

namespace StreamingCnn.Tests.Interop;

/// <summary>
/// A file as PyTorch's <c>torch.save</c> writes it, put together from the text of a pickle in protocol 0 (bytes above
/// 127 may stand in it as characters).
/// </summary>
internal sealed class PickledCheckpoint
{
    private readonly List<float[]> storages = [];

    /// <summary>The text of a tensor of <paramref name="shape"/> whose values are all <paramref name="value"/>.</summary>
    public string Tensor(float value, params long[] shape)
    {
        storages.Add([.. Enumerable.Repeat(value, (int)shape.Aggregate(1L, (size, side) => size * side))]);
        return View(storages.Count - 1, shape);
    }

    /// <summary>The text of a tensor of the values of an earlier one.</summary>
    public string View(int storage, params long[] shape)
    {
        var strides = shape.Select((_, axis) => shape.Skip(axis + 1).Aggregate(1L, (size, side) => size * side));
        return $"ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'{storage}'\nS'cpu'\n"
            + $"I{storages[storage].Length}\ntQI0\n{Tuple(shape)}{Tuple(strides)}I00\nNtR";
    }

    /// <summary>The text of a dictionary.</summary>
    public static string Dictionary(params (string Key, string Value)[] entries) =>
        $"(d{string.Concat(entries.Select(entry => $"S'{entry.Key}'\n{entry.Value}s"))}";

    /// <summary>The weights of <c>Sequential(("conv", Conv2d(1, 2, 1)))</c>, behind a prefix.</summary>
    public (string Key, string Value)[] Convolution(float value, string prefix = "") =>
        [(prefix + "conv.weight", Tensor(value, 2, 1, 1, 1)), (prefix + "conv.bias", Tensor(value, 2))];

    /// <summary>Writes the file.</summary>
    public void Write(string path, string pickle)
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Add("archive/data.pkl", Encoding.Latin1.GetBytes(pickle + "."));
        for (var i = 0; i < storages.Count; i++)
            Add($"archive/data/{i}", [.. storages[i].SelectMany(BitConverter.GetBytes)]);

        void Add(string name, byte[] content)
        {
            using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
            entry.Write(content);
        }
    }

    private static string Tuple(IEnumerable<long> numbers) => $"({string.Concat(numbers.Select(number => $"I{number}\n"))}t";
}
