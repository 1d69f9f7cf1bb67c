using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A module of TorchScript, such as <c>torch.jit.save</c> writes, as a trunk. The engine cannot see into it: it is run with
/// <see cref="StreamingMode.Overlap"/>, where it is probed before its first image, and refused where its outputs depend on more than a
/// neighbourhood.
/// </summary>
/// <remarks>
/// Its parameters are the script's own and have its names; they are trained. A script that was traced does what it did when it was traced,
/// whatever its mode is set to. Its code is run: load none that you do not trust.
/// </remarks>
/// <example>
/// <code>
/// using var trunk = ScriptedTrunk.Load("trunk.pt");
/// trunk.eval();
/// using var streaming = new StreamingModule(trunk, new StreamingOptions { Mode = StreamingMode.Overlap, Tile = (512, 512) });
/// </code>
/// </example>
public sealed class ScriptedTrunk : Module<Tensor, Tensor>
{
    private readonly jit.ScriptModule<Tensor, Tensor> script;
    private readonly bool staysInEvaluation;
    private bool isDisposed;

    private ScriptedTrunk(jit.ScriptModule<Tensor, Tensor> script, bool staysInEvaluation)
        : base(nameof(ScriptedTrunk))
    {
        (this.script, this.staysInEvaluation) = (script, staysInEvaluation);
        if (staysInEvaluation)
            script.eval();
        foreach (var (name, parameter) in script.named_parameters())
            register_parameter(name, parameter);
        foreach (var (name, buffer) in script.named_buffers())
            register_buffer(name, buffer);
    }

    /// <summary>Loads a script.</summary>
    /// <param name="path">The file.</param>
    /// <param name="staysInEvaluation">
    /// Whether what is in the script stays in evaluation mode while it is trained: its batch norms then normalise by their running
    /// statistics, and its dropout does nothing. The engine cannot reach them, so <see cref="StreamingOptions.FrozenBatchNorm"/> does not.
    /// </param>
    /// <returns>The module, in the mode that it was saved in, unless it stays in evaluation mode.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no TorchScript, or one that this libtorch does not read.</exception>
    public static ScriptedTrunk Load(string path, bool staysInEvaluation = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file '{path}'; name one that torch.jit.save has written.", path);
        try
        {
            return new(jit.load<Tensor, Tensor>(path), staysInEvaluation);
        }
        catch (ExternalException failure)
        {
            var reason = failure.Message.Split('\n', 2)[0].Trim().TrimEnd('.');
            throw new InvalidDataException(
                $"The file '{path}' is no TorchScript that this libtorch reads; save it by torch.jit.save. It says: {reason}.", failure);
        }
    }

    /// <summary>Runs the script on a whole image.</summary>
    /// <param name="image">[N, C, H, W].</param>
    /// <returns>What the script makes of it.</returns>
    public override Tensor forward(Tensor image) => script.call(image);

    /// <inheritdoc/>
    public override void train(bool train = true)
    {
        base.train(train);
        script.train(train && !staysInEvaluation);
    }

    /// <summary>Does nothing: the script is no part with a name of its own, and its tensors are known.</summary>
    protected override void RegisterComponents()
    {
    }

    // The script changes its tensors in place, and those here are the same.

    /// <inheritdoc/>
    protected override Module _to(Device device, ScalarType dtype, bool non_blocking)
    {
        script.to(device, dtype, non_blocking);
        return this;
    }

    /// <inheritdoc/>
    protected override Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
    {
        script.to(deviceType, deviceIndex, non_blocking);
        return this;
    }

    /// <inheritdoc/>
    protected override Module _to(ScalarType dtype, bool non_blocking)
    {
        script.to(dtype, non_blocking);
        return this;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        // Unlike other modules, a script does not bear to be disposed twice.
        if (disposing && !isDisposed)
            script.Dispose();
        isDisposed = true;
    }
}
