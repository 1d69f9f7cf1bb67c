using StreamingCnn.Execution.Probing;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// An image's way through a module that the engine cannot see into, on overlapping windows. Each tile runs the module as it is and answers
/// for the outputs over its own pixels; the gradient of all others is zero, and the sum over the tiles is exact where windows give what the
/// image gives.
/// </summary>
internal sealed class BlackBoxRun : IDifferentiableRun
{
    private readonly OpaqueTrunk trunk;
    private readonly WindowGrid grid;
    private readonly MapSource image;
    private readonly Parameter[] parameters;
    private ParameterSnapshot? snapshot;
    private bool isReversed;

    /// <param name="trunk">The module.</param>
    /// <param name="grid">Its tiles.</param>
    /// <param name="image">The image.</param>
    public BlackBoxRun(OpaqueTrunk trunk, WindowGrid grid, MapSource image)
    {
        this.trunk = trunk;
        this.grid = grid;
        this.image = image;
        parameters = [.. trunk.Module.parameters()];
    }

    /// <inheritdoc/>
    public int Outputs => 1;

    /// <inheritdoc/>
    public void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        if (grid.Outputs.IsEmpty)
        {
            throw new UnsupportedLayerException(
                "",
                trunk.Module.GetType().Name,
                $"gives no output for an image of {image.Height} x {image.Width} pixels; use a larger one");
        }

        using var edges = new TileEdges(grid.Outputs);
        var checks = grid.Checks().ToLookup(check => check.Edge, check => check.Place);
        Region? last = null;
        var done = 0;
        foreach (var tile in grid.Tiles())
        {
            using var scope = NewDisposeScope();
            if (last is { } before && before.Rows != tile.Owned.Rows)
                CheckEdge(before.Rows.Start);
            var computed = tile.Owned.Hull(tile.Shared);
            var part = Run(computed);
            if (last is null)
                sinks[0].Begin(image.Batch, part.shape[1], grid.Outputs.Rows.Length, grid.Outputs.Columns.Length);
            if (!tile.Shared.IsEmpty)
                Check(part.Part(computed, tile.Shared), edges.Line(tile.Owned, tile.Shared), part, tile.Shared);
            var owned = part.Part(computed, tile.Owned);
            edges.Add(tile.Owned, owned);
            sinks[0].Write(tile.Owned.Rows.Start, tile.Owned.Columns.Start, owned);
            last = tile.Owned;
            progress?.Report(new(TilePass.Forward, ++done, grid.Count));
        }

        CheckEdge(last!.Value.Rows.Start);
        CheckEdge(grid.Outputs.Rows.End);

        // Not from the start: InstanceNorm writes its running statistics in evaluation mode, too, though the same ones.
        snapshot = ParameterSnapshot.Of(trunk.Module);

        void CheckEdge(long edge)
        {
            foreach (var place in checks[edge])
            {
                using var scope = NewDisposeScope();
                var (expected, around) = edges.At(edge, place);
                Check(Run(place), expected, around, place);
            }
        }
    }

    /// <inheritdoc/>
    public (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress)
    {
        if (isReversed)
            throw new InvalidOperationException("The streamed trunk's backward pass has already run; call forward again for another one.");
        isReversed = true;
        image.CheckUnchanged();
        snapshot!.CheckUnchanged();

        using var scope = NewDisposeScope();
        using var sums = new ParameterGradients();
        using var gradient = TensorSource.Of(gradients)[0]!;
        var learning = AutogradRecord.Learning(parameters);
        using var sourceGradient = image.GradientIsWanted ? new SourceGradient(image) : null;
        var done = 0;
        foreach (var (owned, _) in grid.Tiles())
        {
            using (NewDisposeScope())
            {
                var window = grid.Window(owned);
                var leaf = Pixels(window).requires_grad_(image.GradientIsWanted);
                Tensor part;
                using (enable_grad())
                    part = trunk.Module.call(image.GradientIsWanted ? leaf.clone() : leaf).Part(grid.Made(window), owned);
                if (AutogradRecord.Backpropagate(part, gradient.Read(owned), [leaf], learning, sums) is [{ } ofWindow])
                    sourceGradient!.Add(window, ofWindow);
            }

            progress?.Report(new(TilePass.Backward, ++done, grid.Count));
        }

        sourceGradient?.Finish(0);
        return ([sourceGradient?.Take()], [.. parameters.Select(p => sums.Take(p, zeroIfMissing: false))]);
    }

    /// <inheritdoc/>
    public void Dispose() => image.Dispose();

    /// <summary>Computes outputs from the window that they need.</summary>
    private Tensor Run(Region outputs)
    {
        var window = grid.Window(outputs);
        var made = grid.Made(window);
        var map = trunk.Module.call(Pixels(window));
        if (map is not { Dimensions: 4 } || map.shape[2] != made.Rows.Length || map.shape[3] != made.Columns.Length)
        {
            throw Refuse(
                $"makes [{string.Join(", ", map.shape)}] of a window of {window.Rows.Length} x {window.Columns.Length} pixels, "
                + $"where a map of {made.Rows.Length} x {made.Columns.Length} was expected");
        }

        return map.Part(made, outputs);
    }

    /// <summary>A window's pixels: a copy, since the module may work in place, and other windows read the same.</summary>
    private Tensor Pixels(Region window) => image.Read(window).detach().clone();

    /// <summary>Refuses a module of which two windows give different values.</summary>
    private void Check(Tensor found, Tensor expected, Tensor around, Region place)
    {
        if (!Rounding.Agrees(found, expected, Rounding.Scale(around)))
        {
            throw Refuse(
                $"gives other values in another window of this image, at output row {place.Rows.Start} and column {place.Columns.Start}: "
                + "they depend on more than trials on small images have shown");
        }
    }

    private UnsupportedLayerException Refuse(string reason)
    {
        // What was found of it does not hold; the next image has it probed anew.
        trunk.Forget();
        return new("", trunk.Module.GetType().Name, reason + "; it cannot be run on overlapping tiles");
    }
}
