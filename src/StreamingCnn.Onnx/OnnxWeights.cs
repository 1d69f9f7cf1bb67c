using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx;

/// <summary>The weights in a file of ONNX, for networks that have parameters of the same names. Its graph is not looked at.</summary>
public static class OnnxWeights
{
    /// <summary>
    /// Copies a file's initialisers into a module's parameters and buffers of the same names, as <see cref="WeightFile.Load"/> does.
    /// Exporters that fold norms into convolutions, or turn matrices, give them other names and values.
    /// </summary>
    /// <param name="module">The module; changed only when everything fits.</param>
    /// <param name="path">The file.</param>
    /// <param name="strict">Whether names that are in only one of the two are an error.</param>
    /// <param name="prefix">What stands before the module's names in the file; null to look for it.</param>
    /// <returns>What was taken, and what was passed over.</returns>
    /// <exception cref="OnnxFileException">The file cannot be read.</exception>
    /// <exception cref="WeightMismatchException">The file does not fit; all misfits are named together.</exception>
    /// <exception cref="WeightFileException">The module's names stand behind several prefixes.</exception>
    public static LoadedWeights Load(Module module, string path, bool strict = true, string? prefix = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(path);
        var tensors = new Dictionary<string, OnnxTensor>();
        var listing = new WeightListing();
        // Whole numbers are shapes and axes.
        foreach (var tensor in ModelReader.Read(path).Graph.Initialisers
            .Where(tensor => tensor.IsFloating && tensor.Name.Length <= WeightListing.LongestName))
        {
            if (listing.TryAdd(tensor.Name, new([.. tensor.Shape], tensor.DataType, tensor)))
                tensors.Add(tensor.Name, tensor);
        }

        return WeightFile.Fill(
            module, path, strict, prefix, choose => choose(listing).ToDictionary(name => name, name => tensors[name].ToTensor()));
    }
}
