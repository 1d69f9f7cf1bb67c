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
    public ZippedArchive(ZipArchive zip, long fileBytes, ParsingBudget budget)
    {
        this.zip = zip;
        // Names may be those of one and the same piece of the file, which would be read again and again.
        if (zip.Entries.Aggregate((Int128)0, (sum, e) => sum + e.CompressedLength) > fileBytes)
            throw new PickleException("its entries overlap, or reach beyond its end");
        if (zip.Entries.CountBy(e => e.FullName).FirstOrDefault(count => count.Value > 1) is { Value: > 1, Key: var twice })
            throw new PickleException($"its entry '{Excerpt.Of(twice)}' is there twice");
        var pickles = zip.Entries.Where(e => e.FullName.Count(c => c == '/') == 1 && e.Name == "data.pkl").ToArray();
        if (pickles.Length != 1)
        {
            throw new PickleException(
                pickles.Length == 0 ? "it is a zip file without PyTorch's 'data.pkl'" : "it holds several files 'data.pkl'");
        }

        var pickle = pickles[0];
        folder = pickle.FullName[..^"data.pkl".Length];
        bigEndian = zip.GetEntry(folder + "byteorder") is { } order && IsBig(order);

        using var content = new MemoryStream();
        using (var stream = OpenStored(pickle))
            stream.CopyTo(content);
        content.Position = 0;
        var reader = new PickleReader(content, budget);
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
            var entry = zip.GetEntry($"{folder}data/{key}") ?? throw new PickleException($"its storage '{Excerpt.Of(key)}' is not there");
            var size = storage.Type.Size;
            if (entry.Length % size != 0 || entry.Length / size != storage.Count)
            {
                throw new PickleException(
                    $"its storage '{Excerpt.Of(key)}' has {entry.Length} bytes instead of {storage.Count} values of {size}");
            }

            using var stream = OpenStored(entry);
            loaded.Add(key, StorageReader.Read(stream, storage, bigEndian));
        }

        return loaded;
    }

    private static bool IsBig(ZipArchiveEntry order)
    {
        using var reader = new StreamReader(OpenStored(order));
        return reader.ReadToEnd().Trim() switch
        {
            "little" => false,
            "big" => true,
            var other => throw new PickleException($"its order of bytes is '{Excerpt.Of(other)}', neither little nor big"),
        };
    }

    // PyTorch stores everything uncompressed. A compressed entry can be a thousand times larger than its file.
    private static Stream OpenStored(ZipArchiveEntry entry) => entry.Length == entry.CompressedLength
        ? entry.Open()
        : throw new PickleException($"its entry '{Excerpt.Of(entry.FullName)}' is compressed, as PyTorch never does");
}
