using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>What the tiles of a run share: where they read, where what they make goes, and what layers have made for the run.</summary>
internal sealed class RunContext : IDisposable
{
    /// <param name="plan">The grid.</param>
    /// <param name="sources">The sources; they belong to the run.</param>
    /// <param name="differentiable">Which maps need a gradient.</param>
    /// <param name="settings">How they are run.</param>
    /// <param name="readAgain">Whether the backward pass reads a map's strips once more.</param>
    public RunContext(GridPlan plan, SourceSet sources, DifferentiablePart differentiable, RunSettings settings, Func<int, bool> readAgain)
    {
        (Plan, Sources, Differentiable, Settings) = (plan, sources, differentiable, settings);
        Layers = new LayerRuns(plan.Graph, settings.Quantities);
        Carried = new SeamValues(plan, settings, settings.Seams ?? new DeviceSeams(), readAgain);
    }

    /// <summary>The grid.</summary>
    public GridPlan Plan { get; }

    /// <summary>The sources.</summary>
    public SourceSet Sources { get; }

    /// <summary>Which maps need a gradient.</summary>
    public DifferentiablePart Differentiable { get; }

    /// <summary>How the sources are run.</summary>
    public RunSettings Settings { get; }

    /// <summary>The layers' work for this run.</summary>
    public LayerRuns Layers { get; }

    /// <summary>What tiles leave for one another.</summary>
    public SeamValues Carried { get; }

    /// <summary>Where outputs go in the forward pass.</summary>
    public IReadOnlyList<IMapSink> Sinks { get; set; } = [];

    /// <summary>What there is besides in the backward pass.</summary>
    public Gradients? Backward { get; set; }

    /// <summary>Memory for a region of a map, or of a source.</summary>
    public Tensor Empty(int node, Region region) => Settings.Format.Empty(Shape(node, region), Type(node), Sources.Device);

    /// <summary>Zeros for a region of a map.</summary>
    public Tensor Zeros(int node, Region region) => Settings.Format.Zeros(Shape(node, region), Type(node), Sources.Device);

    /// <summary>Before a tile: asks for the windows that it reads of sources and of outputs' gradients.</summary>
    public void Prefetch((int Row, int Column) tile, TileProgram program)
    {
        foreach (var instruction in program.Instructions)
        {
            var (source, node, region) = instruction switch
            {
                ReadSource read => (Sources[read.Source], read.Source, read.Region),
                ReadWindow read => (Sources[read.Source], read.Source, read.Window),
                ReadSinkGradient read => (Backward!.Outputs[read.Sink], read.Node, read.Region),
                _ => default,
            };
            source?.Prefetch(Plan.Origin(node, tile.Row, tile.Column).Absolute(region));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Carried.Dispose();
        Layers.Dispose();
        Sources.Dispose();
    }

    private ScalarType Type(int node) => Plan.Graph.Nodes[node] is { IsSource: true, IsStored: false } ? Sources.Type : Settings.MapType;

    private long[] Shape(int node, Region region) =>
        [Sources.Batch, Plan.Graph.Nodes[node].Channels, region.Rows.Length, region.Columns.Length];

    /// <summary>Where gradients come from and go to.</summary>
    /// <param name="Outputs">The gradient of each output, null for none.</param>
    /// <param name="Strips">Gradients of what tiles have left for one another.</param>
    /// <param name="Sources">Gradients of sources.</param>
    /// <param name="Parameters">Gradients of parameters.</param>
    internal sealed record Gradients(
        IReadOnlyList<MapSource?> Outputs, SeamGradients Strips, SourceGradients Sources, ParameterGradients Parameters);
}
