using System.IO.Compression;
using StreamingCnn.Interop.Weights.Pickling;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights;

/// <summary>
/// Weights that PyTorch's <c>torch.save</c> has written (<c>.pth</c>, <c>.pt</c>, <c>.th</c>, <c>.bin</c>), in the zip format and in the one before version 1.6. Such
/// a file holds a pickle, which may name any function of Python to be called; here it is read as data only, and a name that does not belong to tensors and plain
/// containers is refused.
/// </summary>
public static class PyTorchStateDict
{
    // Where training programs put the weights within a checkpoint, the most specific name first.
    private static readonly string[] UsualNames = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights"];

    // A dictionary that contains itself would never end; no checkpoint comes near.
    private const int DeepestNesting = 32;

    /// <summary>Reads the weights.</summary>
    /// <param name="path">
    /// The file. Where the weights are one entry of a checkpoint (<c>state_dict</c>, <c>model_state_dict</c>, <c>model_state</c>, <c>model</c>, <c>net</c>,
    /// <c>network</c>, <c>module</c> or <c>weights</c>), that entry is read; otherwise everything, with the names of nested dictionaries joined by points.
    /// </param>
    /// <returns>
    /// The tensors by name, in the file's order, on the CPU, owned by the caller. Tensors that shared a storage in PyTorch share it here, and strides are kept: a
    /// small view of a large storage keeps the large one in memory.
    /// </returns>
    /// <exception cref="WeightFileException">The file is missing, is of another kind, is damaged, or asks for anything but tensors in plain containers.</exception>
    public static OrderedDictionary<string, Tensor> Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = WeightFile.Open(path);
        try
        {
            return Read(file);
        }
        catch (PickleException reason)
        {
            throw new WeightFileException($"The PyTorch file '{path}' is refused: {reason.Message}.", reason);
        }
        catch (Exception reason) when (reason is InvalidDataException or EndOfStreamException)
        {
            throw new WeightFileException($"The PyTorch file '{path}' is damaged: {reason.Message.TrimEnd('.')}.", reason);
        }
    }

    private static OrderedDictionary<string, Tensor> Read(FileStream file)
    {
        Span<byte> start = stackalloc byte[4];
        var isZip = file.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual("PK\x03\x04"u8);
        file.Position = 0;
        using var scope = NewDisposeScope();
        OrderedDictionary<string, Tensor> tensors;
        if (isZip)
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            var archive = new ZippedArchive(zip);
            tensors = Materialize(Select(archive.Root), archive.Load);
        }
        else
        {
            var archive = new LegacyArchive(file);
            tensors = Materialize(Select(archive.Root), archive.Load);
        }

        foreach (var tensor in tensors.Values)
            tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    /// <summary>The named tensors of what a file holds.</summary>
    private static OrderedDictionary<string, PickledTensor> Select(object? root)
    {
        if (root is not PickledDictionary all)
            throw new PickleException("it holds no dictionary of tensors");
        foreach (var name in UsualNames)
        {
            var entry = all.Entries.LastOrDefault(e => e.Key is string key && key == name).Value;
            if (entry is PickledDictionary inner && Flatten(inner) is { Count: > 0 } weights)
                return weights;
        }

        return Flatten(all) is { Count: > 0 } found ? found : throw new PickleException("it holds no dictionary of tensors");
    }

    private static OrderedDictionary<string, PickledTensor> Flatten(PickledDictionary dictionary)
    {
        var tensors = new OrderedDictionary<string, PickledTensor>();

        // Each dictionary once: a pickle of a few hundred bytes can name one dictionary in another 2^100 times.
        var seen = new HashSet<PickledDictionary>(ReferenceEqualityComparer.Instance);
        Add(dictionary, "", 0);
        return tensors;

        void Add(PickledDictionary from, string prefix, int depth)
        {
            if (depth > DeepestNesting || !seen.Add(from))
                return;
            foreach (var (key, value) in from.Entries)
            {
                var name = key switch
                {
                    string text => prefix + text,
                    long number => $"{prefix}{number}",
                    _ => null,
                };
                if (name is null)
                    continue;
                if (value is PickledTensor tensor)
                    tensors[name] = tensor;
                else if (value is PickledDictionary inner)
                    Add(inner, name + ".", depth + 1);
            }
        }
    }

    private static OrderedDictionary<string, Tensor> Materialize(
        OrderedDictionary<string, PickledTensor> pickled, Func<IReadOnlyCollection<string>, IReadOnlyDictionary<string, Tensor>> load)
    {
        var storages = load([.. pickled.Values.Select(tensor => tensor.Storage.Key).Distinct()]);
        var tensors = new OrderedDictionary<string, Tensor>();
        foreach (var (name, view) in pickled)
            tensors.Add(name, storages[view.Storage.Key].as_strided(view.Shape, view.Strides, view.Storage.Offset + view.Offset));
        return tensors;
    }
}
