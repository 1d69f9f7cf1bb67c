using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using StreamingCnn.Interop.Weights.Pickling;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights;

/// <summary>
/// The safetensors format (github.com/huggingface/safetensors): the length of a JSON header as 8 bytes, the header, which names type, shape
/// and place of each tensor, and the values, little-endian. Nothing in it can be executed.
/// </summary>
public static class Safetensors
{
    private const string MetadataKey = "__metadata__";

    // The reference implementation's limit; a longer header is a sign of a file of another kind.
    private const long LongestHeader = 100_000_000;

    private static readonly (string Name, ScalarType Type)[] Types =
    [
        ("F64", ScalarType.Float64), ("F32", ScalarType.Float32), ("F16", ScalarType.Float16), ("BF16", ScalarType.BFloat16),
        ("I64", ScalarType.Int64), ("I32", ScalarType.Int32), ("I16", ScalarType.Int16), ("I8", ScalarType.Int8), ("U8", ScalarType.Byte),
        ("BOOL", ScalarType.Bool),
    ];

    /// <summary>Reads all tensors of a file.</summary>
    /// <returns>The tensors by name, in the order in which they lie in the file, on the CPU, in the caller's scope.</returns>
    /// <exception cref="WeightFileException">The file is missing, is not of this format, or is damaged.</exception>
    public static OrderedDictionary<string, Tensor> Read(string path) => Read(path, listing => [.. listing.Tensors.Keys]);

    /// <summary>Reads those tensors of a file that are chosen when it is known what there is.</summary>
    internal static OrderedDictionary<string, Tensor> Read(string path, Func<WeightListing, IReadOnlyCollection<string>> choose)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = WeightFile.Open(path);
        var (entries, _) = ReadHeader(file, path, out var start);
        var listing = new WeightListing();
        foreach (var entry in entries)
            listing.TryAdd(entry.Name, new(entry.Shape, entry.Type, entry));
        var chosen = choose(listing).ToHashSet();
        var tensors = new OrderedDictionary<string, Tensor>();
        foreach (var entry in entries.Where(entry => chosen.Contains(entry.Name)))
        {
            file.Position = start + entry.Begin;
            var values = empty(entry.Shape, entry.Type, CPU);
            if (entry.End > entry.Begin)
                values.ReadBytesFromStream(file, 1 << 20);
            tensors.Add(entry.Name, values);
        }

        return tensors;
    }

    /// <summary>Reads the free text of a file's header. Where the file has a checksum, it is compared with the whole content.</summary>
    /// <returns>The text by name, in the file's order; empty when there is none.</returns>
    /// <exception cref="WeightFileException">The file is missing, is not of this format, or is damaged.</exception>
    public static OrderedDictionary<string, string> ReadMetadata(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = WeightFile.Open(path);
        return ReadHeader(file, path, out _).Metadata;
    }

    /// <summary>Writes tensors to a file, which takes its name only when it is complete.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="metadata">Free text by name; null for none.</param>
    /// <exception cref="WeightFileException">A tensor's type has no place in the format, or the file cannot be written.</exception>
    public static void Write(
        string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var all = tensors.ToArray();
        var text = new JsonObject { [FileChecksum.Name] = FileChecksum.Unknown };
        foreach (var (name, value) in metadata ?? new Dictionary<string, string>())
            text.TryAdd(name, JsonValue.Create(value));
        var header = new JsonObject { [MetadataKey] = text };
        long offset = 0;
        foreach (var (name, tensor) in all)
        {
            if (name == MetadataKey || header.ContainsKey(name))
                throw new WeightFileException($"The tensor '{name}' cannot be written to '{path}': the name is {(name == MetadataKey ? "reserved" : "there twice")}.");
            var type = Types.FirstOrDefault(t => t.Type == tensor.dtype).Name
                ?? throw new WeightFileException($"The tensor '{name}' cannot be written to '{path}': it has the type {tensor.dtype}, which a safetensors file cannot hold.");
            var end = offset + tensor.numel() * tensor.element_size();
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. tensor.shape.Select(d => (JsonNode?)JsonValue.Create(d))]),
                ["data_offsets"] = new JsonArray(JsonValue.Create(offset), JsonValue.Create(end)),
            };
            offset = end;
        }

        // Padded with spaces, so that the values are aligned.
        var bytes = JsonSerializer.SerializeToUtf8Bytes(header);
        var padded = (bytes.Length + 7) / 8 * 8;
        AtomicFile.Write(path, file =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, padded);
            file.Write(length);
            file.Write(bytes);
            for (var i = bytes.Length; i < padded; i++)
                file.WriteByte((byte)' ');
            foreach (var (_, tensor) in all)
            {
                using var scope = NewDisposeScope();
                tensor.detach().cpu().contiguous().WriteBytesToStream(file, 1 << 20);
            }

            var place = length.Length + FileChecksum.Place(bytes)!.Value;
            var checksum = FileChecksum.Of(file, place);
            file.Position = place;
            file.Write(Encoding.ASCII.GetBytes(checksum));
        });
    }

    private static (List<Entry> Entries, OrderedDictionary<string, string> Metadata) ReadHeader(
        FileStream file, string path, out long start)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (file.Length < 8)
            throw Damaged(path, $"it has {file.Length} bytes, but the header's length alone takes 8");
        file.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (length is < 2 or > LongestHeader || length > file.Length - 8)
            throw Damaged(path, $"its header would take {length} bytes");
        var text = new byte[length];
        file.ReadExactly(text);
        start = 8 + length;
        try
        {
            using var header = JsonDocument.Parse(text);
            var values = file.Length - start;
            var entries = header.RootElement.EnumerateObject().Where(p => p.Name != MetadataKey).Select(p => ReadEntry(p, path, values))
                .OrderBy(entry => entry.Begin).ThenBy(entry => entry.End).ToList();
            long end = 0;
            foreach (var entry in entries)
            {
                if (entry.Begin != end)
                {
                    throw Damaged(path, entry.Begin < end
                        ? $"the tensor '{Excerpt.Of(entry.Name)}' overlaps another one"
                        : $"before the tensor '{Excerpt.Of(entry.Name)}' there is a gap");
                }

                end = entry.End;
            }

            if (end != values)
                throw Damaged(path, $"it has {values - end} bytes behind the last tensor");
            if (entries.CountBy(entry => entry.Name).FirstOrDefault(count => count.Value > 1) is { Value: > 1, Key: var twice })
                throw Damaged(path, $"the tensor '{Excerpt.Of(twice)}' is there twice");
            var metadata = ReadMetadata(header.RootElement);
            // Files of other programs have none, nor those that were written before there was one.
            if (metadata.Remove(FileChecksum.Name, out var checksum))
                Check(file, path, checksum, text);
            file.Position = start;
            return (entries, metadata);
        }
        catch (Exception reason) when (reason is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Damaged(path, "its header is not what the format asks for", reason);
        }
    }

    private static void Check(FileStream file, string path, string checksum, byte[] header)
    {
        if (FileChecksum.Place(header) is { } place && FileChecksum.Of(file, sizeof(long) + place) == checksum)
            return;
        throw new WeightFileException(
            $"'{path}' is not a safetensors file, or is damaged: its content does not give the checksum in its header; take another copy, "
            + $"or, where it was changed on purpose, remove '{FileChecksum.Name}' from its metadata.");
    }

    private static Entry ReadEntry(JsonProperty property, string path, long values)
    {
        var name = Excerpt.Of(property.Name);
        if (property.Name.Length > WeightListing.LongestName)
            throw Damaged(path, $"the name '{name}' has {property.Name.Length} characters");
        var dtype = property.Value.GetProperty("dtype").GetString();
        var known = Types.FirstOrDefault(t => t.Name == dtype);
        if (known.Name is null)
            throw Damaged(path, $"the tensor '{name}' has the type '{Excerpt.Of(dtype ?? "")}', which is not supported");
        if (property.Value.GetProperty("shape").GetArrayLength() is > PickledTensor.MostDimensions and var dimensions)
            throw Damaged(path, $"the tensor '{name}' has {dimensions} dimensions");
        var shape = property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray();
        var offsets = property.Value.GetProperty("data_offsets").EnumerateArray().Select(d => d.GetInt64()).ToArray();
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > values)
            throw Damaged(path, $"the tensor '{name}' lies outside of the file");

        // A product that does not fit 64 bits must not come out as one that fits the file.
        var bytes = shape.Aggregate((Int128)ElementSize.Of(known.Type), (size, d) => size > long.MaxValue ? size : size * d);
        if (shape.Any(d => d < 0) || bytes != offsets[1] - offsets[0])
            throw Damaged(path, $"the tensor '{name}' of shape [{Excerpt.Of(shape)}] does not fill its {offsets[1] - offsets[0]} bytes");
        return new(property.Name, known.Type, shape, offsets[0], offsets[1]);
    }

    private static OrderedDictionary<string, string> ReadMetadata(JsonElement header)
    {
        var metadata = new OrderedDictionary<string, string>();
        if (header.TryGetProperty(MetadataKey, out var entries))
        {
            foreach (var entry in entries.EnumerateObject())
                metadata[entry.Name] = entry.Value.GetString() ?? "";
        }

        return metadata;
    }

    private static WeightFileException Damaged(string path, string what, Exception? reason = null) =>
        new($"'{path}' is not a safetensors file, or is damaged: {what}.", reason!);

    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long Begin, long End);
}
