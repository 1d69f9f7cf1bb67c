using System.Reflection;
using System.Runtime.InteropServices;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Runs;

/// <summary>Makes trunks by name: those of the catalog, a network from a file of ONNX, or a user's own type from an assembly.</summary>
public static class TrunkSource
{
    private const string Separator = ".dll:";
    private const string Script = ".pt";

    /// <summary>Whether a name is that of a user's own module in an assembly, whose code would be run to make it.</summary>
    public static bool IsOwn(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Contains(Separator, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a name is that of a file of ONNX, or of a package that holds one. It holds no code.</summary>
    public static bool IsOnnx(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) || CachedPackage.IsNamed(name);
    }

    /// <summary>Whether a name is that of a module of TorchScript, whose code would be run to make it.</summary>
    public static bool IsScript(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return !IsOwn(name) && name.EndsWith(Script, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Makes a trunk.</summary>
    /// <param name="name">
    /// A name of <see cref="ModelCatalog"/>, a file that ends in <c>.onnx</c>, <c>nuget:</c> and the name of a package that holds one, or
    /// <c>path/to/Assembly.dll:Namespace.Type</c>: a module with a public constructor that takes the number of
    /// image channels, or nothing. Code in that assembly is executed, so such a name must come from the person who runs the program, never
    /// from a file.
    /// </param>
    /// <param name="channels">Channels of the image.</param>
    /// <param name="norm">
    /// How it normalises. A module of somebody's own has its own norms, of which batch norm alone can be frozen or not.
    /// </param>
    /// <param name="runsScripts">
    /// Whether it may be a file that ends in <c>.pt</c>, a module of TorchScript. Its code is run, so the same holds of it as of an
    /// assembly.
    /// </param>
    /// <exception cref="ArgumentException">There is no such model, assembly, type or norm; the message says which.</exception>
    /// <exception cref="FileNotFoundException">There is no such script.</exception>
    /// <exception cref="InvalidDataException">The file is no script that can be read.</exception>
    public static Module<Tensor, Tensor> Create(string name, int channels, NormKind norm = NormKind.Frozen, bool runsScripts = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        var isScript = runsScripts && IsScript(name);
        if (!IsOwn(name) && !IsOnnx(name) && !isScript)
            return ModelCatalog.Create(name, channels, norm);
        if (norm is not (NormKind.Frozen or NormKind.Batch))
        {
            throw new ArgumentException(
                $"The module '{name}' has norms of its own; choose frozen or batch, which say what its batch norms do in training.");
        }

        if (isScript)
            return ScriptedTrunk.Load(name);
        if (!IsOwn(name))
            return OfChannels(OnnxNetwork.LoadTrunk(CachedPackage.IsNamed(name) ? CachedPackage.Network(name) : name), name, channels);
        var (file, typeName) = Split(name);
        if (!File.Exists(file))
            throw new ArgumentException($"There is no assembly '{file}' to take the model '{typeName}' from.", nameof(name));
        var assembly = Load(file);
        var type = assembly.GetType(typeName)
            ?? throw new ArgumentException(
                $"The assembly '{file}' has no type '{typeName}'; write its name with its namespace.", nameof(name));
        if (!typeof(Module<Tensor, Tensor>).IsAssignableFrom(type) || type.IsAbstract)
            throw new ArgumentException($"The type '{typeName}' is no module from a tensor to a tensor.", nameof(name));
        if (type.GetConstructor([typeof(int)]) is { } withChannels)
            return (Module<Tensor, Tensor>)withChannels.Invoke([channels]);
        return type.GetConstructor([]) is { } plain
            ? (Module<Tensor, Tensor>)plain.Invoke([])
            : throw new ArgumentException(
                $"The type '{typeName}' has no public constructor that takes the number of channels, or nothing.", nameof(name));
    }

    /// <summary>A network from a file of ONNX, if it is for images of a number of channels.</summary>
    /// <exception cref="ArgumentException">It is for others.</exception>
    internal static OnnxTrunk OfChannels(OnnxTrunk trunk, string name, int channels)
    {
        if (trunk.Channels == channels)
            return trunk;
        var own = trunk.Channels;
        trunk.Dispose();
        throw new ArgumentException(
            $"The network in '{name}' is for images of {own} channel(s), and not of {channels}; give --channels {own}, or another network.");
    }

    /// <summary>Channels of a trunk's output, found by running it on a small image.</summary>
    /// <exception cref="ArgumentException">The trunk runs on no image of up to 1024 x 1024 pixels.</exception>
    public static long OutputChannels(Module<Tensor, Tensor> trunk, int channels)
    {
        ArgumentNullException.ThrowIfNull(trunk);
        using var grad = no_grad();
        var isTraining = trunk.training;
        trunk.eval();
        try
        {
            // A trunk without padding needs an image as large as its receptive field.
            foreach (var side in (long[])[64, 256, 1024])
            {
                try
                {
                    using var image = zeros(1, channels, side, side, device: CPU);
                    using var output = trunk.forward(image);
                    return output.shape[1];
                }
                catch (ExternalException) when (side < 1024)
                {
                }
            }

            throw new ArgumentException("The trunk puts out nothing for an image of 1024 x 1024 pixels.", nameof(trunk));
        }
        catch (ExternalException reason)
        {
            throw new ArgumentException(
                $"The trunk cannot be run on an image of {channels} channel(s): {reason.Message.Split('\n')[0]}", nameof(trunk), reason);
        }
        finally
        {
            trunk.train(isTraining);
        }
    }

    /// <summary>The file of an own module's assembly, and its type.</summary>
    internal static (string File, string Type) Split(string ownModule)
    {
        var end = ownModule.LastIndexOf(Separator, StringComparison.OrdinalIgnoreCase) + Separator.Length;
        return (ownModule[..(end - 1)], ownModule[end..]);
    }

    private static Assembly Load(string file)
    {
        try
        {
            return Assembly.LoadFrom(Path.GetFullPath(file));
        }
        catch (Exception reason) when (reason is BadImageFormatException or FileLoadException)
        {
            throw new ArgumentException($"'{file}' is no assembly that can be loaded: {reason.Message}", nameof(file), reason);
        }
    }
}
