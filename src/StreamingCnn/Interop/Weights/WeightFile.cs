using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Interop.Weights;

/// <summary>A module's parameters and buffers in a file, under the names that PyTorch gives them.</summary>
public static class WeightFile
{
    /// <summary>Writes a module's parameters and buffers as safetensors.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Save(Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        Safetensors.Write(path, module.state_dict(), metadata);
    }

    /// <summary>Reads a file's tensors: safetensors or what PyTorch's <c>torch.save</c> writes, told apart by their first bytes.</summary>
    /// <returns>The tensors by name, in the file's order, on the CPU, owned by the caller.</returns>
    /// <exception cref="WeightFileException">
    /// The file is missing, of another kind, damaged, or a pickle that asks for more than tensors.
    /// </exception>
    public static OrderedDictionary<string, Tensor> Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return IsSafetensors(path) ? Safetensors.Read(path) : PyTorchStateDict.Read(path);
    }

    /// <summary>
    /// Copies a file's tensors into a module's parameters and buffers of the same names, converting the precision of
    /// their values.
    /// </summary>
    /// <param name="module">The module; changed only when everything fits.</param>
    /// <param name="path">The file, as in <see cref="Read(string)"/>. Values of other tensors than the module's are not read.</param>
    /// <param name="strict">
    /// Whether names that are in only one of the two are an error. Wrong shapes always are, and a file that has no name
    /// of the module at all.
    /// </param>
    /// <param name="prefix">
    /// What stands before the module's names in the file, such as <c>backbone.</c>, or behind the name of a dictionary
    /// such as <c>teacher.backbone.</c>; "" for nothing. Null: names that fit as they are, then the only prefix behind
    /// which all names and shapes fit. What the file holds beside such a part is passed over.
    /// </param>
    /// <returns>What was taken, and what was passed over.</returns>
    /// <exception cref="WeightMismatchException">The file does not fit; all misfits are named together.</exception>
    /// <exception cref="WeightFileException">The file cannot be read, or the module's names stand behind several prefixes.</exception>
    public static LoadedWeights Load(Module module, string path, bool strict = true, string? prefix = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        return Fill(module, path, strict, prefix, choose => Read(path, choose));
    }

    /// <summary>Copies tensors into a module's, as <see cref="Load"/> does, whatever they are read from.</summary>
    /// <param name="module">The module; changed only when everything fits.</param>
    /// <param name="path">What the file is called in messages.</param>
    /// <param name="strict">Whether names that are in only one of the two are an error.</param>
    /// <param name="prefix">What stands before the module's names; null to look for it.</param>
    /// <param name="read">Reads the tensors whose names are chosen of what the file holds.</param>
    internal static LoadedWeights Fill(
        Module module,
        string path,
        bool strict,
        string? prefix,
        Func<Func<WeightListing, IReadOnlyCollection<string>>, IReadOnlyDictionary<string, Tensor>> read)
    {
        using var scope = NewDisposeScope();
        var wanted = module.state_dict();
        var fit = new WeightFit(module.GetType().Name, wanted, path, strict);
        var place = "";
        var found = read(listing => fit.Names(listing, place = fit.Place(listing, prefix)));
        using var grad = no_grad();
        foreach (var (name, target) in wanted)
        {
            if (found.TryGetValue(place + name, out var value))
                target.copy_(value);
        }

        return fit.Loaded;
    }

    private static OrderedDictionary<string, Tensor> Read(string path, Func<WeightListing, IReadOnlyCollection<string>> choose) =>
        IsSafetensors(path) ? Safetensors.Read(path, choose) : PyTorchStateDict.Read(path, choose);

    /// <summary>Opens a file of weights.</summary>
    /// <exception cref="WeightFileException">It is not there, or may not be read.</exception>
    internal static FileStream Open(string path)
    {
        if (Directory.Exists(path))
            throw new WeightFileException($"'{path}' is a folder, not a file of weights.");
        if (!File.Exists(path))
            throw new WeightFileException($"There is no file '{path}'.");
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new WeightFileException($"'{path}' cannot be read: {reason.Message}", reason);
        }
    }

    /// <summary>
    /// Whether a file is to be read as safetensors. Zip files and the pickles of every protocol but the first start with bytes of their
    /// own; what starts with neither can only be safetensors, whose first bytes are a length, with a brace behind it.
    /// </summary>
    private static bool IsSafetensors(string path)
    {
        using var file = Open(path);
        Span<byte> start = stackalloc byte[9];
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (read == start.Length && start[8] == '{')
            return true;
        return !(read > 1 && (start[0] is 0x80 or (byte)'c' or (byte)'(' || start[..2].SequenceEqual("PK"u8)));
    }
}
