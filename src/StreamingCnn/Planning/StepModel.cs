using StreamingCnn.Geometry;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>What a step over a grid costs in time and memory, from integers alone; tiles of a kind are looked at once.</summary>
internal sealed class StepModel
{
    // Bytes of the tensors' heap for each byte alive in a tile: it empties gaps between blocks, but for the huge pages that a block has a
    // part of. Measured.
    private const double Gaps = 1.02;

    // Copies of gradients come when what tiles have left is still there in pieces. Measured.
    private const long ShareOfGapsInCopies = 8;

    // From how many nodes on records may be kept: few while plans are compared, many in the plan that is chosen.
    private const int FewCuts = 10;
    private const int ManyCuts = 40;

    // What a step may take more than is expected: the heap of .NET grows as it likes, and the library takes more for a moment,
    // for some networks than for others.
    private const long SpareOf = 64;
    private const long Spare = 8 << 20;

    /// <summary>Small tensors, buffers of threads, and what .NET takes while a step runs; measured.</summary>
    public const long AnyStep = 16 << 20;

    private readonly GridPlan grid;
    private readonly TrunkCost trunk;
    private readonly StepMemory memory;
    private readonly ProgramTime time;
    private readonly Dictionary<((int Row, int Column) Kind, int From), double> again = [];
    private double? forward;
    private double? backward;

    // Parameters, outputs, what any step takes, and the code that the library makes for convolutions, for every shape anew; it keeps that
    // of so many.
    private readonly long bytesBesides;

    /// <param name="grid">The grid.</param>
    /// <param name="trunk">What is the same for every grid.</param>
    /// <param name="mapsAnew">Whether large tensors are fresh memory each time, as in conventional backpropagation.</param>
    public StepModel(GridPlan grid, TrunkCost trunk, bool mapsAnew = false)
    {
        this.grid = grid;
        this.trunk = trunk;
        Programs = new TilePrograms(grid, trunk.Differentiable);
        time = new ProgramTime(trunk, mapsAnew);
        memory = new(Programs, trunk, mapsAnew ? 1 : Gaps);
        // Those of a stage wait between stages, or are the whole network's.
        OutputBytes = trunk.Stage is not null ? 0 : trunk.Passes switch
        {
            Passes.Both => 2 * trunk.ValueBytes * grid.Graph.Outputs.Sum(Values),
            Passes.ForwardIntoTensors => trunk.ValueBytes * grid.Graph.Outputs.Sum(Values),
            _ => trunk.ValueBytes * grid.Graph.Outputs.Sum(grid.ValuesOfRows),
        };
        bytesBesides = trunk.ParameterBytes + trunk.RunBytes + OutputBytes + AnyStep + Primitives.Bytes(Programs, trunk)
            + (trunk.Stage?.Bytes(grid, trunk) ?? 0);

        long Values(int node) => grid.Size(node).Height * grid.Size(node).Width * grid.Graph.Nodes[node].Channels;
    }

    /// <summary>Bytes that a step may be expected to take, so that it keeps to a budget.</summary>
    public static long Within(long budget) => budget - Division.Ceiling(budget, SpareOf) - Spare;

    /// <summary>The smallest budget that a step of so many bytes is expected to keep to.</summary>
    public static long BudgetFor(long bytes) => Division.Ceiling((bytes + Spare) * SpareOf, SpareOf - 1);

    /// <summary>What autograd's copies of parameters' gradients take at a step's end, with the gaps between tensors of all sizes.</summary>
    public static long CopiesOf(long gradientBytes) => gradientBytes + (gradientBytes / ShareOfGapsInCopies);

    /// <summary>What the tiles do.</summary>
    public TilePrograms Programs { get; }

    /// <summary>Bytes carried for the backward pass and of their gradients, as far as they are in the memory that is counted.</summary>
    public long CarryBytes(KeptLayers kept) =>
        Enumerable.Range(0, memory.Order.Count).Max(tile => memory.Carried.At(tile, kept.Cut).Backward);

    /// <summary>Bytes of the largest tile's work.</summary>
    public long TileBytes(KeptLayers kept)
    {
        var peak = memory.Order.Index().Max(tile => memory.Of(tile.Index, kept.From(tile.Item.Row, tile.Item.Column)).Peak);
        return bytesBesides - trunk.ParameterBytes - OutputBytes + (long)(memory.Gaps * peak);
    }

    /// <summary>Bytes carried that wait in the host's memory or in a file.</summary>
    public long CarryElsewhereBytes => !trunk.CarryIsElsewhere ? 0
        : trunk.ValueBytes * (IsForwardAlone ? new SeamMemory(grid, _ => false).MostForward : grid.CarriedValues);

    /// <summary>Bytes of the outputs, as far as they are held, and of their gradients.</summary>
    public long OutputBytes { get; }

    /// <summary>
    /// Bytes at a step's very end, when the tiles' memory is free again: a parameter's gradient is there as the sum over tiles and as
    /// autograd's copy. Networks with more weights than activations take most then.
    /// </summary>
    public long EndBytes => trunk.ParameterBytes + CopiesOf(trunk.GradientBytes) + trunk.RunBytes + OutputBytes + AnyStep
        + (trunk.Stage?.BytesBesides ?? 0);

    /// <summary>Bytes of a step that keeps as little as it can.</summary>
    public long LeastBytes => KeepsNothing
        ? NothingKeptBytes
        : Math.Max(EndBytes, bytesBesides + KeptLayers.Least(memory, KeptLayers.Cuts(grid.Graph, FewCuts)));

    /// <summary>Bytes of a step that keeps nothing.</summary>
    public long NothingKeptBytes => Math.Max(EndBytes, bytesBesides + memory.Most(grid.Graph.Nodes.Count));

    /// <summary>Bytes of a step that keeps everything.</summary>
    public long AllKeptBytes => KeepsNothing ? NothingKeptBytes : bytesBesides + memory.Most(grid.Graph.FirstLayer);

    /// <summary>Chooses what to keep within a budget for the whole step: roughly, to compare grids, or as well as can be.</summary>
    public KeptLayers Keep(long budget, bool roughly = false) => KeepsNothing
        ? KeptLayers.Nothing(memory, grid.Graph.Nodes.Count)
        : KeptLayers.Choose(memory, KeptLayers.Cuts(grid.Graph, roughly ? FewCuts : ManyCuts), budget - bytesBesides);

    /// <summary>Bytes of a step that keeps some records.</summary>
    public long Bytes(KeptLayers kept) => Math.Max(EndBytes, RunBytes(kept));

    /// <summary>
    /// Bytes that wait between the forward pass and the backward pass: the carry, what is kept, and what the run has made of parameters.
    /// </summary>
    public long WaitingBytes(KeptLayers kept)
    {
        if (IsForwardAlone)
            return 0;
        var records = memory.Order.Index().Sum(tile => memory.Of(tile.Index, kept.From(tile.Item.Row, tile.Item.Column)).Kept);
        return (trunk.CarryIsElsewhere ? 0 : memory.Carried.At(memory.Order.Count - 1, kept.Cut).Forward)
            + (long)(memory.Gaps * records) + trunk.RunBytes;
    }

    /// <summary>
    /// Bytes of tensors that a run of it has alive at most, besides what is there before it: the parameters and the image.
    /// </summary>
    public long HeapBytes(KeptLayers kept) => kept.Bytes + OutputBytes + trunk.GradientBytes + trunk.RunBytes;

    /// <summary>Bytes while its tiles run.</summary>
    public long RunBytes(KeptLayers kept) => bytesBesides + kept.Bytes;

    /// <summary>Seconds of the forward pass.</summary>
    public double Forward =>
        forward ??= Programs.Kinds().Sum(kind => Programs.Tiles(kind) * time.Of(Programs.ForwardOnce(kind, grid.Graph.Nodes.Count)));

    /// <summary>Seconds of the backward pass, recomputation left out; 0 where there is none.</summary>
    public double Backward => backward ??= IsForwardAlone
        ? 0
        : Programs.Kinds().Sum(kind => Programs.Tiles(kind) * time.Of(Programs.BackwardOnce(kind, grid.Graph.FirstLayer)));

    /// <summary>Seconds of computing again what was not kept.</summary>
    public double Recompute(KeptLayers kept)
    {
        if (IsForwardAlone)
            return 0;
        var seconds = 0.0;
        foreach (var tile in memory.Order)
        {
            var key = (Programs.KindOf(tile), kept.From(tile.Row, tile.Column));
            if (!again.TryGetValue(key, out var one))
                again.Add(key, one = time.Again(Programs.BackwardOnce(key.Item1, key.Item2)));
            seconds += one;
        }

        return seconds;
    }

    /// <summary>Seconds of a step that keeps some records.</summary>
    public double Seconds(KeptLayers kept) => Forward + Backward + Recompute(kept);

    private bool IsForwardAlone => trunk.Passes != Passes.Both;

    private bool KeepsNothing => IsForwardAlone || trunk.Stage is { KeepsNothing: true };
}
