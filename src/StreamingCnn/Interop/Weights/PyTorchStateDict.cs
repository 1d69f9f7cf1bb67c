using System.IO.Compression;
using StreamingCnn.Interop.Weights.Pickling;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights;

/// <summary>
/// Weights that PyTorch's <c>torch.save</c> has written (<c>.pth</c>, <c>.pt</c>, <c>.th</c>, <c>.bin</c>), in the zip format and in the
/// one before version 1.6. Such a file holds a pickle, which may name any function of Python to be called; here it is read as data only,
/// and a name that does not belong to tensors and plain containers is refused.
/// </summary>
public static class PyTorchStateDict
{
    // What libtorch keeps of a tensor beside its values, and what keeps that here.
    private const long BytesOfTensor = 1024;

    private const int BytesAtOnce = 1 << 20;

    /// <summary>Reads the weights.</summary>
    /// <param name="path">
    /// The file. Where the weights are one entry of a checkpoint (<c>state_dict</c>, <c>model_state_dict</c>, <c>model_state</c>,
    /// <c>model</c>, <c>net</c>, <c>network</c>, <c>module</c> or <c>weights</c>), that entry is read; otherwise everything, with the names
    /// of nested dictionaries joined by points.
    /// </param>
    /// <returns>
    /// The tensors by name, in the file's order, on the CPU, owned by the caller. Tensors that shared a storage in PyTorch share it here,
    /// and strides are kept: a small view of a large storage keeps the large one in memory.
    /// </returns>
    /// <exception cref="WeightFileException">
    /// The file is missing, is of another kind, is damaged, or asks for anything but tensors in plain containers.
    /// </exception>
    public static OrderedDictionary<string, Tensor> Read(string path)
    {
        var cut = 0;
        var read = Read(path, listing =>
        {
            cut = WeightListing.Beginning(listing.Usual).Length;
            return [.. listing.Under(listing.Usual)];
        });
        var tensors = new OrderedDictionary<string, Tensor>();
        foreach (var (name, tensor) in read)
            tensors.Add(name[cut..], tensor);
        return tensors;
    }

    /// <summary>
    /// Writes tensors as <c>torch.save(state_dict, path)</c> does, in the zip format, which PyTorch has read since version 1.6, also with
    /// <c>weights_only=True</c>. The file takes its name only when it is complete.
    /// </summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="tensors">The tensors by name, each name once. Those that share memory come back with memory of their own.</param>
    /// <exception cref="WeightFileException">A tensor's type has no place in the format, or the file cannot be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var all = tensors.ToArray();
        foreach (var (name, tensor) in all)
        {
            if (AllowedGlobals.StorageOf(tensor.dtype) is null)
                throw new WeightFileException($"The tensor '{name}' cannot be written to '{path}': it has the type {tensor.dtype}, which PyTorch's weights are not read with.");
        }

        AtomicFile.Write(path, file =>
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
            Store("data.pkl", PickleWriter.Of(all));
            Store("byteorder", "little"u8);
            foreach (var (place, (_, tensor)) in all.Index())
            {
                using var scope = NewDisposeScope();
                using var entry = Entry($"data/{place}").Open();
                tensor.detach().cpu().contiguous().WriteBytesToStream(entry, BytesAtOnce);
            }

            // The number of the format.
            Store("version", "3\n"u8);

            void Store(string name, ReadOnlySpan<byte> bytes)
            {
                using var entry = Entry(name).Open();
                entry.Write(bytes);
            }

            // PyTorch compresses nothing.
            ZipArchiveEntry Entry(string name) => zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression);
        });
    }

    /// <summary>Reads those tensors of a file that are chosen when it is known what there is, dictionaries in it included.</summary>
    internal static OrderedDictionary<string, Tensor> Read(string path, Func<WeightListing, IReadOnlyCollection<string>> choose)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = WeightFile.Open(path);
        try
        {
            return Read(file, choose);
        }
        catch (Exception reason) when (reason is PickleException or ParsingBudgetException)
        {
            throw new WeightFileException($"The PyTorch file '{path}' is refused: {reason.Message}.", reason);
        }
        catch (Exception reason) when (reason is InvalidDataException or EndOfStreamException)
        {
            throw new WeightFileException($"The PyTorch file '{path}' is damaged: {reason.Message.TrimEnd('.')}.", reason);
        }
    }

    private static OrderedDictionary<string, Tensor> Read(FileStream file, Func<WeightListing, IReadOnlyCollection<string>> choose)
    {
        Span<byte> start = stackalloc byte[4];
        var isZip = file.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual("PK\x03\x04"u8);
        file.Position = 0;
        var budget = new ParsingBudget(file.Length);
        using var scope = NewDisposeScope();
        OrderedDictionary<string, Tensor> tensors;
        if (isZip)
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            var archive = new ZippedArchive(zip, file.Length, budget);
            tensors = Materialize(PickledListing.Of(archive.Root, budget), choose, archive.Load, budget);
        }
        else
        {
            var archive = new LegacyArchive(file, budget);
            tensors = Materialize(PickledListing.Of(archive.Root, budget), choose, archive.Load, budget);
        }

        foreach (var tensor in tensors.Values)
            tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    private static OrderedDictionary<string, Tensor> Materialize(
        WeightListing listing,
        Func<WeightListing, IReadOnlyCollection<string>> choose,
        Func<IReadOnlyCollection<string>, IReadOnlyDictionary<string, Tensor>> load,
        ParsingBudget budget)
    {
        var chosen = choose(listing);
        budget.Allocate(BytesOfTensor * chosen.Count);
        var views = chosen.Select(name => (Name: name, View: (PickledTensor)listing.Tensors[name].Source)).ToArray();
        var storages = load([.. views.Select(tensor => tensor.View.Storage.Key).Distinct()]);
        var tensors = new OrderedDictionary<string, Tensor>();
        foreach (var (name, view) in views)
            tensors.Add(name, storages[view.Storage.Key].as_strided(view.Shape, view.Strides, view.Storage.Offset + view.Offset));
        return tensors;
    }
}
