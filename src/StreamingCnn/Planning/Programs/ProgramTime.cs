using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// Goes through programs with rates instead of tensors: operations, memory moved, weights rearranged, and calls, layer by layer.
/// </summary>
/// <param name="trunk">What each layer does, and how fast the machine is at it.</param>
/// <param name="mapsAnew">Whether large tensors are fresh memory each time.</param>
internal sealed class ProgramTime(TrunkCost trunk, bool mapsAnew)
{
    // Passes of a convolution backwards, to its operand and to its weights.
    private const int RearrangedBackwards = 2;

    // How often weights are read and written where they are made anew from parameters, for once that they are rearranged.
    private const double MadeWeights = 1.5;

    /// <summary>Seconds of all instructions.</summary>
    public double Of(TileProgram program)
    {
        double seconds = 0;
        foreach (var instruction in program.Instructions)
            seconds += Of(instruction, program.Example);
        return seconds;
    }

    /// <summary>Seconds of what a program of the backward pass computes again.</summary>
    public double Again(TileProgram program) =>
        program.Instructions.OfType<ForwardInstruction>().Sum(instruction => Of(instruction, program.Example));

    /// <summary>Seconds of one instruction.</summary>
    public double Of(Instruction instruction, TileLayout tile) => instruction switch
    {
        Compute compute => Forward(compute.Node, tile),
        Apply apply => Forward(apply.Node, tile),
        Overwrite overwrite => Forward(overwrite.Node, tile),
        Backpropagate back => Backward(back.Node, tile),
        _ => 0,
    };

    private double Forward(int node, TileLayout tile)
    {
        var work = Work(node, tile);
        var (rates, rate) = (trunk.Rates, trunk.WorkRates[node]);
        return (work.Operations / rate.Forward) + (work.Moved / rates.Bandwidth) + (work.Compared / rates.Comparisons)
            + (work.Weights / rates.Weights) + ((work.Anew + work.Rearranged) / rates.Fresh) + rates.Call;
    }

    private double Backward(int node, TileLayout tile)
    {
        var work = Work(node, tile);
        var (rates, rate) = (trunk.Rates, trunk.WorkRates[node]);
        // Of the first layers only the weights need a gradient.
        var passes = trunk.Graph.Nodes[node].Inputs.Any(trunk.Differentiable.Needs) ? 2 : 1;
        return (passes * work.Operations / rate.Backward) + (1.5 * work.Moved / rates.Bandwidth)
            + (3 * work.Weights / rates.Weights) + ((work.Anew + (RearrangedBackwards * work.Rearranged)) / rates.Fresh) + (2 * rates.Call);
    }

    private LayerWork Work(int index, TileLayout tile)
    {
        var node = trunk.Graph.Nodes[index];
        var area = Area(index, tile);
        var bytes = Bytes(index, tile);
        var operandBytes = node.Inputs.Max(input => Bytes(input, tile));
        return new(
            trunk.Work[index] * area * trunk.Batch,
            trunk.Comparisons[index] * area * trunk.Batch,
            bytes + operandBytes,
            trunk.WeightBytes[index] * (tile.Memory(index).MakesWeights ? MadeWeights : 1),
            Anew(bytes),
            tile.Memory(index).Rearranges ? Anew(bytes) + Anew(operandBytes) : 0);
    }

    private long Area(int node, TileLayout tile) => tile.Roles.IsView(node) || trunk.Graph.Nodes[node].IsSource
        ? (tile.IsRead(node) ? tile.Window(node).Area : 0)
        : tile.Rectangle(node)?.Area ?? 0;

    private double Bytes(int node, TileLayout tile) => (double)Area(node, tile) * trunk.Graph.Nodes[node].Channels * trunk.ValueBytes;

    /// <summary>How much of a tensor is fresh memory.</summary>
    private double Anew(double bytes) => mapsAnew && bytes > ComputeRates.LargestInHeap ? bytes : 0;

    private readonly record struct LayerWork(
        double Operations, double Compared, double Moved, double Weights, double Anew, double Rearranged);
}
