using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Execution;

/// <summary>
/// An image's way through a module that the engine cannot see into, on overlapping windows. Each tile runs the module as it is and answers for the
/// outputs over its own pixels; the gradient of all others is zero, and the sum over the tiles is exact.
/// </summary>
internal sealed class BlackBoxRun(
    Module<Tensor, Tensor> module, WindowGeometry rows, WindowGeometry columns, (int Height, int Width) tile, ImageInput image, bool imageWanted, ImageGradientRows? gradientRows)
    : IDifferentiableRun
{
    private readonly Parameter[] parameters = [.. module.parameters()];
    private readonly long[] versions = Versions(module);
    private readonly (int Rows, int Columns) grid = (
        checked((int)Division.Ceiling(image.Height, tile.Height)), checked((int)Division.Ceiling(image.Width, tile.Width)));

    private bool isReversed;

    /// <inheritdoc/>
    public Tensor[] Forward(IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        Tensor? output = null;
        var done = 0;
        foreach (var (owned, window, inner) in Tiles())
        {
            using (var scope = NewDisposeScope())
            {
                var result = module.forward(image.Read(window));
                output ??= empty(image.Batch, result.shape[1], rows.OutputLength(image.Height), columns.OutputLength(image.Width), dtype: result.dtype, device: result.device)
                    .MoveToOuterDisposeScope();
                using var part = Owned(result, inner);
                output.Part(owned.Rows.Start, owned.Columns.Start, owned.Rows.Length, owned.Columns.Length).copy_(part);
            }

            progress?.Report(new(TilePass.Forward, ++done, grid.Rows * grid.Columns));
        }

        return [output ?? throw new UnsupportedLayerException("", module.GetType().Name, $"gives no output for an image of {image.Height} x {image.Width} pixels; use a larger one")];
    }

    /// <inheritdoc/>
    public (Tensor? Image, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress)
    {
        if (isReversed)
            throw new InvalidOperationException("The streamed trunk's backward pass has already run; call forward again for another one.");
        isReversed = true;
        image.CheckUnchanged();
        if (!versions.SequenceEqual(Versions(module)))
            throw new InvalidOperationException("The parameters or buffers of the trunk changed between the forward and the backward pass, which runs it again; call backward before the optimizer's step.");

        using var scope = NewDisposeScope();
        using var sums = new ParameterGradients();
        var learning = AutogradRecord.Learning(parameters);
        using var imageGradient = imageWanted ? new ImageGradient(image, gradientRows) : null;
        var done = 0;
        foreach (var (owned, window, inner) in Tiles())
        {
            using (NewDisposeScope())
            {
                var leaf = image.Read(window).detach().requires_grad_(imageWanted);
                Tensor part;
                using (enable_grad())
                    part = Owned(module.forward(leaf), inner);
                using var gradient = gradients[0]!.Part(owned.Rows.Start, owned.Columns.Start, owned.Rows.Length, owned.Columns.Length);
                if (AutogradRecord.Backpropagate(part, gradient, [leaf], learning, sums) is [{ } ofWindow])
                    imageGradient!.Add(window, ofWindow);
            }

            progress?.Report(new(TilePass.Backward, ++done, grid.Rows * grid.Columns));
        }

        imageGradient?.Finish(0);
        return (imageGradient?.Take(), [.. parameters.Select(p => sums.Take(p, zeroIfMissing: false))]);
    }

    /// <inheritdoc/>
    public void Dispose() => image.Dispose();

    private static Tensor Owned(Tensor result, Region inner) =>
        result.Part(inner.Rows.Start, inner.Columns.Start, inner.Rows.Length, inner.Columns.Length);

    private static long[] Versions(Module module) =>
        [.. module.parameters().Select(Interop.TensorVersion.Of), .. module.buffers().Select(Interop.TensorVersion.Of)];

    /// <summary>For each tile the outputs that it answers for, the pixels that it reads, and where its outputs stand in what the module makes of them.</summary>
    private IEnumerable<(Region Owned, Region Window, Region Inner)> Tiles()
    {
        for (var row = 0; row < grid.Rows; row++)
        {
            for (var column = 0; column < grid.Columns; column++)
            {
                var owned = new Region(rows.Owned(row, tile.Height, image.Height), columns.Owned(column, tile.Width, image.Width));
                if (owned.IsEmpty)
                    continue;
                var window = new Region(rows.Window(owned.Rows, image.Height), columns.Window(owned.Columns, image.Width));
                var (down, right) = (window.Rows.Start / rows.Stride, window.Columns.Start / columns.Stride);
                yield return (owned, window, new Region(
                    new(owned.Rows.Start - down, owned.Rows.End - down), new(owned.Columns.Start - right, owned.Columns.End - right)));
            }
        }
    }
}
