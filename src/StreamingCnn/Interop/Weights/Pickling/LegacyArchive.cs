using System.Buffers.Binary;
using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// PyTorch's format before version 1.6: pickles of a magic number, a protocol version, facts about the machine, the object, and the list of
/// its storages' keys; then for each key the number of values and the values, which are little-endian on every machine.
/// </summary>
internal sealed class LegacyArchive
{
    private static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber);

    private readonly Stream stream;
    private readonly string[] order;
    private readonly IReadOnlyDictionary<string, PickledStorage> storages;

    /// <summary>Reads the pickles.</summary>
    /// <exception cref="PickleException">The file is not PyTorch's, or a pickle is refused.</exception>
    public LegacyArchive(Stream stream, ParsingBudget budget)
    {
        this.stream = stream;
        if (stream.Length == 0 || new PickleReader(stream, budget).Read() is not BigInteger magic || magic != Magic)
            throw new PickleException("it does not start as PyTorch's files do");
        if (new PickleReader(stream, budget).Read() is not 1001L)
            throw new PickleException("it is of an unknown version of the format");
        _ = new PickleReader(stream, budget).Read();
        var reader = new PickleReader(stream, budget);
        Root = reader.Read();
        storages = reader.Storages;
        order = new PickleReader(stream, budget).Read() is List<object?> list && list.All(key => key is string)
            ? [.. list.Cast<string>()]
            : throw new PickleException("its list of storages is not what the format asks for");
    }

    /// <summary>What the pickle holds.</summary>
    public object? Root { get; }

    /// <summary>Reads storages by their keys, and passes over the others.</summary>
    /// <exception cref="PickleException">A storage is not there, or the file's storages have another size than its pickle says.</exception>
    public IReadOnlyDictionary<string, Tensor> Load(IReadOnlyCollection<string> keys)
    {
        var wanted = keys.ToHashSet();
        var loaded = new Dictionary<string, Tensor>();
        Span<byte> prefix = stackalloc byte[8];
        foreach (var key in order)
        {
            // The list is sorted by key, so storages of an optimizer may stand between those of the weights.
            if (!storages.TryGetValue(key, out var storage))
                throw new PickleException($"its storage '{Excerpt.Of(key)}' belongs to no tensor");
            stream.ReadExactly(prefix);
            var count = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            var bytes = (Int128)storage.Count * storage.Type.Size;
            if (count != storage.Count || bytes > stream.Length - stream.Position)
            {
                throw new PickleException(
                    $"its storage '{Excerpt.Of(key)}' has {count} values instead of {storage.Count}, or is cut short");
            }

            if (!wanted.Remove(key))
                stream.Seek((long)bytes, SeekOrigin.Current);
            else
                loaded.Add(key, StorageReader.Read(stream, storage, swap: false));
        }

        return wanted.Count == 0 ? loaded : throw new PickleException($"its storage '{Excerpt.Of(wanted.First())}' is not there");
    }
}
