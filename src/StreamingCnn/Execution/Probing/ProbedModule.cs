using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Execution.Probing;

/// <summary>A module that is run on images of the prober's making.</summary>
/// <param name="module">The module.</param>
/// <param name="batch">Images in a batch.</param>
/// <param name="channels">Their channels.</param>
/// <param name="type">Their type.</param>
/// <param name="device">Where they are.</param>
internal sealed class ProbedModule(Module<Tensor, Tensor> module, long batch, long channels, ScalarType type, Device device) : IDisposable
{
    // Of its own: whoever seeds the library's shall get the numbers that the seed promises.
    private readonly Generator generator = new(20191104, CPU);

    public Module<Tensor, Tensor> Module => module;

    /// <summary>A value beyond thresholds, as far as the type has room for what layers make of it.</summary>
    public double Large => type == ScalarType.Float16 ? 100 : 1e4;

    /// <summary>Runs the module. It gets a copy, which it may overwrite.</summary>
    /// <exception cref="ProbeException">It throws, or gives no map.</exception>
    public Tensor Run(Tensor image)
    {
        Tensor map;
        try
        {
            map = module.call(image.clone());
        }
        catch (Exception failure)
        {
            throw new ProbeException(
                $"cannot be run on an image of {image.shape[2]} x {image.shape[3]} pixels, as it is on trial: \"{FirstLine(failure)}\"",
                failure);
        }

        return map is { Dimensions: 4 } && map.shape[0] == batch && map.numel() > 0
            ? map
            : throw new ProbeException(
                $"makes [{string.Join(", ", map.shape)}] of an image of {image.shape[2]} x {image.shape[3]} pixels on trial, "
                + "which is no map [N, C, H, W] of the same N");
    }

    /// <summary>Whether values below zero make the module give no numbers, as a logarithm does.</summary>
    public bool TakesPositiveAlone { get; set; }

    /// <summary>An image that the module makes numbers of.</summary>
    public Tensor Plain(long height, long width) => TakesPositiveAlone ? Uniform(height, width).Plus(0.1) : Normal(height, width);

    /// <summary>An image of normally distributed values.</summary>
    public Tensor Normal(long height, long width) => Moved(randn([batch, channels, height, width], Drawn, CPU, generator: generator));

    /// <summary>An image of values between 0 and 1.</summary>
    public Tensor Uniform(long height, long width) => Moved(rand([batch, channels, height, width], Drawn, CPU, generator: generator));

    /// <summary>Normally distributed values of a tensor's shape, type and device.</summary>
    public Tensor Like(Tensor map) => randn(map.shape, Drawn, CPU, generator: generator).to(map.dtype, map.device);

    public void Dispose() => generator.Dispose();

    private ScalarType Drawn => type == ScalarType.Float64 ? type : ScalarType.Float32;

    private Tensor Moved(Tensor drawn) => drawn.to(type, device);

    /// <summary>libtorch's messages go on with a trace of addresses.</summary>
    public static string FirstLine(Exception failure) => failure.Message.Split('\n', 2)[0].Trim().TrimEnd('.');
}

/// <summary>Why a module is not fit for overlapping tiles: the end of a sentence that begins with its name.</summary>
internal sealed class ProbeException(string reason, Exception? cause = null) : Exception(reason, cause)
{
    /// <summary>Whether other sizes would not help.</summary>
    public bool IsFinal { get; init; }
}
