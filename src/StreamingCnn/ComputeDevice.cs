using System.Globalization;
using StreamingCnn.Distributed;
using StreamingCnn.Execution;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>
/// The device that is to compute, as a person asks for it: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c> or <c>auto</c>. A streamed module
/// computes where its trunk's parameters are, so <c>model.to(ComputeDevice.Parse("auto").Find())</c> is all that there is to do.
/// </summary>
public sealed record ComputeDevice
{
    private const string Processor = "cpu", Cuda = "cuda", Auto = "auto", Tf32 = "+tf32";

    private readonly string kind;
    private readonly int? index;

    private ComputeDevice(string kind, int? index = null) => (this.kind, this.index) = (kind, index);

    /// <summary>
    /// Whether CUDA's convolutions and matrix products in float32 may round what they multiply to ten binary digits (TF32), which is
    /// faster. It changes the result: a ResNet-34's output by about 1 %, its gradients by about 4 % (root of the mean squared difference,
    /// emulated on a processor).
    /// </summary>
    /// <value>The default value is false.</value>
    public bool AllowsTf32 { get; init; }

    /// <summary>The processor.</summary>
    public static ComputeDevice Cpu { get; } = new(Processor);

    /// <summary>Takes the place of CUDA's devices where tests have another one.</summary>
    internal static Device? StandIn { get; set; }

    /// <summary>Whether it is the processor, whatever the machine has.</summary>
    public bool IsCpu => kind == Processor;

    /// <summary>Reads what a person has written. The machine is not looked at.</summary>
    /// <param name="text">
    /// <c>cpu</c>; <c>cuda:N</c> for CUDA's device of index N; <c>cuda</c> for one of them, another one for each process on a machine as
    /// far as there are enough; <c>auto</c> for that where there is any, and the processor where not. Behind any but <c>cpu</c>
    /// <c>+tf32</c> for <see cref="AllowsTf32"/>.
    /// </param>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static ComputeDevice Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var word = text.ToLowerInvariant();
        var isRounded = word.EndsWith(Tf32, StringComparison.Ordinal) && word != Processor + Tf32;
        word = isRounded ? word[..^Tf32.Length] : word;
        if (word is Processor or Cuda or Auto)
            return new(word) { AllowsTf32 = isRounded };
        return word.Split(':') is [Cuda, var number]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? new(Cuda, index) { AllowsTf32 = isRounded }
            : throw new FormatException($"'{text}' is no device; write cpu, cuda, cuda:0 and so on for one of several, or auto.");
    }

    /// <summary>
    /// Looks for it on this machine. Where it is one of CUDA's, the library computes in full float32 from now on, in the whole process,
    /// unless <see cref="AllowsTf32"/> says otherwise: by itself it rounds in convolutions.
    /// </summary>
    /// <returns>The device, of CUDA's always with its index.</returns>
    /// <exception cref="PlatformNotSupportedException">There is no such device here; the message says why and what to do.</exception>
    public Device Find()
    {
        if (IsCpu)
            return CPU;
        if (StandIn is { } other)
            return other;
        var count = cuda.is_available() ? cuda.device_count() : 0;
        var device = Find(count, count > 0 || CudaRuntime.HasTorchBuild, Processes.LocalRank);
        if (device.type == DeviceType.CUDA)
            (backends.cudnn.allow_tf32, backends.cuda.matmul.allow_tf32) = (AllowsTf32, AllowsTf32);
        return device;
    }

    /// <summary>Three quarters of the memory that a device has free now, in bytes: of CUDA's devices their own, else the host's.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="PlatformNotSupportedException">CUDA does not tell how much that is.</exception>
    public static long DefaultMemoryBudget(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return DeviceBudget.Of(device);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{kind}{(index is { } one ? $":{one}" : "")}{(AllowsTf32 ? Tf32 : "")}");

    /// <inheritdoc cref="Find()"/>
    /// <param name="count">CUDA's devices that libtorch sees.</param>
    /// <param name="hasBuild">Whether libtorch was built for CUDA.</param>
    /// <param name="localRank">Which of the processes on this machine this one is.</param>
    internal Device Find(int count, bool hasBuild, int localRank)
    {
        if (IsCpu || (kind == Auto && count == 0))
            return CPU;
        if (!hasBuild)
        {
            throw new PlatformNotSupportedException(
                $"The device {this} was asked for, but this build of libtorch carries no CUDA; write cpu or auto, or name the folder of a build with CUDA in the environment variable {TorchLocation.Variable}, such as torch/lib of a Python installation with PyTorch.");
        }

        if (count == 0)
        {
            throw new PlatformNotSupportedException(
                $"The device {this} was asked for, but libtorch sees no device of CUDA's on this machine; look at what nvidia-smi and CUDA_VISIBLE_DEVICES say, or write cpu or auto.");
        }

        if (index >= count)
        {
            var last = count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" to cuda:{count - 1}");
            throw new PlatformNotSupportedException(
                $"The device {this} was asked for, but there is only cuda:0{last} on this machine; write one that is there, cuda or auto.");
        }

        return new Device(DeviceType.CUDA, index ?? localRank % count);
    }
}
