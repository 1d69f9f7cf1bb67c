using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>A function of maps and small tensors at each position: what comes before a sum over the map. Autograd records it.</summary>
/// <param name="name">What it is called.</param>
/// <param name="operands">Of how many maps it is.</param>
/// <param name="function">
/// Of the maps [N, C, h, w] and the small tensors [N or 1, C or 1, 1, 1], all of one type, none of which it may change.
/// </param>
internal sealed class MapFunctionLayer(string name, int operands, MapFunction function) : OperandLayer
{
    /// <summary>Whether one channel comes out, of however many.</summary>
    public bool JoinsChannels { get; init; }

    /// <summary>Maps that autograd keeps of it besides operands and output.</summary>
    public int Kept { get; init; }

    /// <summary>
    /// The operand that is a mask, and what the function gives where that is 0 in all channels, without a slope; null where it is none.
    /// </summary>
    public (int Operand, double Elsewhere)? Mask { get; init; }

    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override bool IsPointwise => operands == 1;

    /// <summary>Autograd may need it.</summary>
    public override bool OutputIsFresh => false;

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs)
    {
        var most = inputs.Max();
        if (inputs.Any(count => count != 1 && count != most))
            throw new GeometryException($"needs maps with equal numbers of channels, or with one, but gets {string.Join(" and ", inputs)}");
        return JoinsChannels ? 1 : most;
    }

    /// <inheritdoc/>
    public override OperandLayer With(bool[] smallsWanted) => new MapFunctionLayer(name, operands, function)
    {
        JoinsChannels = JoinsChannels,
        Kept = Kept,
        Mask = Mask,
        Smalls = Smalls,
        SmallsWanted = smallsWanted,
    };

    /// <inheritdoc/>
    public override Tensor Apply(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls) =>
        function(inputs, [.. smalls.Select(small => small.to(inputs[0].dtype))]);

    /// <inheritdoc/>
    internal override LayerMemory MemoryOf(in Patch patch) => base.MemoryOf(patch) with { ValuesPerOutput = Kept };
}

/// <summary>What is computed at each position of maps and of small tensors.</summary>
/// <param name="maps">The maps [N, C, h, w].</param>
/// <param name="smalls">The small tensors [N or 1, C or 1, 1, 1].</param>
internal delegate Tensor MapFunction(IReadOnlyList<Tensor> maps, IReadOnlyList<Tensor> smalls);
