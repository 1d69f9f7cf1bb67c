using StreamingCnn.Execution.Probing;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// An image's way through a module that the engine cannot see into, on overlapping windows. Each tile runs the module as it is and
/// answers for the
/// outputs over its own pixels; the gradient of all others is zero, and the sum over the tiles is exact where windows give what the image
/// gives.
/// </summary>
internal sealed class BlackBoxRun : IDifferentiableRun
{
    // Outputs that tell how large values are at a place.
    private const long Nearby = 16;

    private readonly OpaqueTrunk trunk;
    private readonly WindowGrid grid;
    private readonly ImageInput image;
    private readonly bool imageWanted;
    private readonly ImageGradientRows? gradientRows;
    private readonly Parameter[] parameters;
    private ParameterSnapshot? snapshot;
    private bool isReversed;

    /// <param name="trunk">The module.</param>
    /// <param name="grid">Its tiles.</param>
    /// <param name="image">The image.</param>
    /// <param name="imageWanted">Whether the image's gradient is wanted.</param>
    /// <param name="gradientRows">Gets it row by row; null to have it whole.</param>
    public BlackBoxRun(OpaqueTrunk trunk, WindowGrid grid, ImageInput image, bool imageWanted, ImageGradientRows? gradientRows)
    {
        this.trunk = trunk;
        this.grid = grid;
        this.image = image;
        this.imageWanted = imageWanted;
        this.gradientRows = gradientRows;
        parameters = [.. trunk.Module.parameters()];
    }

    /// <inheritdoc/>
    public Tensor[] Forward(IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        if (grid.Outputs.IsEmpty)
        {
            throw new UnsupportedLayerException(
                "",
                trunk.Module.GetType().Name,
                $"gives no output for an image of {image.Height} x {image.Width} pixels; use a larger one");
        }

        Tensor? output = null;
        var done = 0;
        foreach (var tile in grid.Tiles())
        {
            using (NewDisposeScope())
            {
                var computed = tile.Owned.Hull(tile.Shared);
                var part = Run(computed);
                var (tall, wide) = (grid.Outputs.Rows.Length, grid.Outputs.Columns.Length);
                output ??= empty(image.Batch, part.shape[1], tall, wide, dtype: part.dtype, device: part.device).MoveToOuterDisposeScope();
                if (!tile.Shared.IsEmpty)
                    Check(part.Part(computed, tile.Shared), output.Part(grid.Outputs, tile.Shared), part, tile.Shared);
                output.Part(grid.Outputs, tile.Owned).copy_(part.Part(computed, tile.Owned));
            }

            progress?.Report(new(TilePass.Forward, ++done, grid.Count));
        }

        foreach (var place in grid.Checks())
        {
            using var scope = NewDisposeScope();
            var around = new Region(Around(place.Rows), Around(place.Columns)).Intersect(grid.Outputs);
            Check(Run(place), output!.Part(grid.Outputs, place), output!.Part(grid.Outputs, around), place);
        }

        // Not from the start: InstanceNorm writes its running statistics in evaluation mode, too, though the same ones.
        snapshot = ParameterSnapshot.Of(trunk.Module);
        return [output!];
    }

    /// <inheritdoc/>
    public (Tensor? Image, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress)
    {
        if (isReversed)
            throw new InvalidOperationException("The streamed trunk's backward pass has already run; call forward again for another one.");
        isReversed = true;
        image.CheckUnchanged();
        snapshot!.CheckUnchanged();

        using var scope = NewDisposeScope();
        using var sums = new ParameterGradients();
        var learning = AutogradRecord.Learning(parameters);
        using var imageGradient = imageWanted ? new ImageGradient(image, gradientRows) : null;
        var done = 0;
        foreach (var (owned, _) in grid.Tiles())
        {
            using (NewDisposeScope())
            {
                var window = grid.Window(owned);
                var leaf = Pixels(window).requires_grad_(imageWanted);
                Tensor part;
                using (enable_grad())
                    part = trunk.Module.call(imageWanted ? leaf.clone() : leaf).Part(grid.Made(window), owned);
                if (AutogradRecord.Backpropagate(part, gradients[0]!.Part(grid.Outputs, owned), [leaf], learning, sums) is [{ } ofWindow])
                    imageGradient!.Add(window, ofWindow);
            }

            progress?.Report(new(TilePass.Backward, ++done, grid.Count));
        }

        imageGradient?.Finish(0);
        return (imageGradient?.Take(), [.. parameters.Select(p => sums.Take(p, zeroIfMissing: false))]);
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

    private static Interval Around(Interval outputs) => new(outputs.Start - Nearby, outputs.End + Nearby);

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
