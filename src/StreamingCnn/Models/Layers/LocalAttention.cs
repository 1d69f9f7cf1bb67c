using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Attention between neighbouring positions of a map, in several heads, with a trainable bias for each distance between two positions
/// and head: what <see cref="WindowAttention"/> and <see cref="NeighbourhoodAttention"/> share.
/// </summary>
public abstract class LocalAttention : Module<Tensor, Tensor>
{
    private readonly Linear qkv;
    private readonly Linear proj;

    private protected LocalAttention(string name, long channels, long heads, long window)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        if (channels % heads != 0)
            throw new ArgumentException($"{channels} channels cannot be shared out over {heads} heads; choose a divisor.", nameof(heads));
        (Channels, Heads, Window) = (channels, heads, window);
        qkv = nn.Linear(channels, 3 * channels);
        proj = nn.Linear(channels, channels);
        register_module(nameof(qkv), qkv);
        register_module(nameof(proj), proj);
    }

    /// <summary>Channels C of the map.</summary>
    public long Channels { get; }

    /// <summary>Heads, each of C / heads channels.</summary>
    public long Heads { get; }

    /// <summary>Positions that each position looks at, along either axis.</summary>
    public long Window { get; }

    /// <summary>Makes queries, keys and values of each position, [3C, C].</summary>
    internal Linear Inputs => qkv;

    /// <summary>Makes the output of what the heads have gathered, [C, C].</summary>
    internal Linear Outputs => proj;

    /// <summary>Factor of queries.</summary>
    internal double Scale => 1 / Math.Sqrt((double)Channels / Heads);

    /// <summary>The biases as the published network holds them.</summary>
    internal abstract Parameter Table { get; }

    /// <summary>The biases, [heads, distances along rows times those along columns].</summary>
    /// <param name="table">Of the shape of <see cref="Table"/>.</param>
    internal abstract Tensor Biases(Tensor table);

    /// <summary>Queries, keys and values of each position, [..., 3C], of a map with channels last.</summary>
    private protected Tensor Values(Tensor pixels) => functional.linear(pixels, qkv.weight, qkv.bias);

    /// <summary>The output at each position, [..., C], of what the heads have gathered.</summary>
    private protected Tensor Joined(Tensor gathered) => functional.linear(gathered, proj.weight, proj.bias);

    private protected void Check(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.dim() != 4 || input.shape[1] != Channels)
            throw new ArgumentException(
                $"The input is [{string.Join(", ", input.shape)}], but a map [N, {Channels}, H, W] is needed.", nameof(input));
    }
}
