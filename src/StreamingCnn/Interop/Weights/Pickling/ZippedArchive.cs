using System.IO.Compression;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// PyTorch's format since version 1.6: a zip file of one folder with <c>data.pkl</c>, a file <c>data/KEY</c> for each storage, and
/// <c>byteorder</c> (absent before version 2.1, when all files were little-endian).
/// </summary>
internal sealed class ZippedArchive
{
    private readonly ZipArchive zip;
    private readonly string folder;
    private readonly bool bigEndian;
    private readonly IReadOnlyDictionary<string, PickledStorage> storages;

    /// <summary>Reads the pickle.</summary>
    /// <exception cref="PickleException">The archive is not PyTorch's, or its pickle is refused.</exception>
    public ZippedArchive(ZipArchive zip)
    {
        this.zip = zip;
        var pickle = zip.Entries.FirstOrDefault(e => e.FullName.Count(c => c == '/') == 1 && e.Name == "data.pkl")
            ?? throw new PickleException("it is a zip file without PyTorch's 'data.pkl'");
        folder = pickle.FullName[..^"data.pkl".Length];
        bigEndian = zip.GetEntry(folder + "byteorder") is { } order && new StreamReader(OpenStored(order)).ReadToEnd().Trim() == "big";

        using var content = new MemoryStream();
        using (var stream = OpenStored(pickle))
            stream.CopyTo(content);
        content.Position = 0;
        var reader = new PickleReader(content);
        Root = reader.Read();
        storages = reader.Storages;
    }

    /// <summary>What the pickle holds.</summary>
    public object? Root { get; }

    /// <summary>Reads storages by their keys.</summary>
    /// <exception cref="PickleException">A storage is not there or has another size.</exception>
    public IReadOnlyDictionary<string, Tensor> Load(IReadOnlyCollection<string> keys)
    {
        var loaded = new Dictionary<string, Tensor>();
        foreach (var key in keys)
        {
            var storage = storages[key];
            var entry = zip.GetEntry($"{folder}data/{key}") ?? throw new PickleException($"its storage '{key}' is not there");
            var size = ElementSize.Of(storage.Type);
            if (entry.Length % size != 0 || entry.Length / size != storage.Count)
                throw new PickleException($"its storage '{key}' has {entry.Length} bytes instead of {storage.Count} values of {size}");
            using var stream = OpenStored(entry);
            loaded.Add(key, StorageReader.Read(stream, storage, bigEndian));
        }

        return loaded;
    }

    // PyTorch stores everything uncompressed. A compressed entry can be a thousand times larger than its file.
    private static Stream OpenStored(ZipArchiveEntry entry) => entry.Length == entry.CompressedLength
        ? entry.Open()
        : throw new PickleException($"its entry '{entry.FullName}' is compressed, as PyTorch never does");
}
