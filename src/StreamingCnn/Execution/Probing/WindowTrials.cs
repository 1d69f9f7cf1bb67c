using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>
/// Trials of a geometry on images small enough to be run whole: windows at borders and inside, of several sizes and phases, over <see
/// cref="Contrast"/>s.
/// </summary>
/// <param name="module">The module.</param>
/// <param name="rows">Its geometry along the rows.</param>
/// <param name="columns">Its geometry along the columns.</param>
/// <param name="gradients">Whether gradients must agree as well.</param>
internal sealed class WindowTrials(ProbedModule module, WindowGeometry rows, WindowGeometry columns, bool gradients)
{
    // A step of the window in every direction, whatever the period, and room for windows that begin at odd multiples of short ones.
    private const int Steps = 4;
    private const int Room = 24;

    private static readonly int[] GradientKinds = [0, 4, 15, 16];

    private readonly WindowTrial trial = new(module, rows, columns);
    private readonly (long Height, long Width) whole = (Whole(rows), Whole(columns));

    private bool IsSquare => whole.Height * whole.Width <= AxisProbe.LargestImage;

    /// <summary>All trials.</summary>
    /// <param name="height">Height of the image that is to be run.</param>
    /// <param name="width">Its width.</param>
    /// <exception cref="ProbeException">A window differs from the whole.</exception>
    public void Run(long height, long width)
    {
        for (var number = 0; number < Contrast.Count; number++)
            Values(number);
        foreach (var kind in gradients ? GradientKinds : [])
        {
            var (size, window) = Place(kind);
            using var scope = NewDisposeScope();
            if (!trial.GradientsAgree(Contrast.Image(module, kind, size.Height, size.Width, window), window))
                throw new ProbeException("gives other gradients on a window than on the whole image") { IsFinal = true };
        }

        // Once as long as the image: a module may go other ways from some size on.
        Long(Axis.Rows, height);
        Long(Axis.Columns, width);
    }

    /// <summary>One of the trials: what it costs to see that changed weights have left the geometry as it was.</summary>
    /// <param name="number">Which one; any number from 0 on.</param>
    /// <exception cref="ProbeException">A window differs from the whole.</exception>
    public void RunOne(int number) => Values(number % Contrast.Count);

    private void Values(int number)
    {
        using var scope = NewDisposeScope();
        var (size, window) = Place(number);
        Values(Contrast.Image(module, number, size.Height, size.Width, window), window);
    }

    private void Values(Tensor image, Region window)
    {
        if (!trial.ValuesAgree(image, window))
            throw new ProbeException("gives other values on a window than on the whole image") { IsFinal = true };
    }

    private void Long(Axis axis, long length)
    {
        using var scope = NewDisposeScope();
        var (along, other) = axis == Axis.Rows ? (rows, columns) : (columns, rows);
        var most = Math.Min(length, AxisProbe.LargestImage / other.Least);
        var longest = along.AtLeast(most - along.Period + 1);
        if (longest <= Whole(along))
            return;
        var window = new Interval((longest - along.Needed) - along.Period, longest - along.Period);
        var across = new Interval(0, other.Least);
        Values(
            axis == Axis.Rows ? module.Plain(longest, other.Least) : module.Plain(other.Least, longest),
            axis == Axis.Rows ? new(window, across) : new(across, window));
    }

    /// <summary>
    /// The image's size and the window of a trial. Where both sides together would be too large, one of them is short and not cut.
    /// </summary>
    private ((long Height, long Width) Size, Region Window) Place(int number)
    {
        var cutRows = IsSquare || number % 2 == 0;
        var cutColumns = IsSquare || !cutRows;
        var down = cutRows ? Cut(rows, number) : new(0, rows.Least);
        var right = cutColumns ? Cut(columns, (5 * number) + 1) : new(0, columns.Least);
        return ((cutRows ? whole.Height : rows.Least, cutColumns ? whole.Width : columns.Least), new(down, right));
    }

    private static Interval Cut(WindowGeometry axis, int number)
    {
        var length = Whole(axis);
        var most = (length - axis.Needed) / axis.Period;
        var (before, behind) = (number % 6) switch
        {
            0 => (1, most - 1),
            1 => (most, 0),
            2 => (0, most),
            3 => (most / 2, most - (most / 2)),
            4 => (1, 1),
            _ => (most - 1, 1),
        };
        return new(before * axis.Period, length - (behind * axis.Period));
    }

    private static long Whole(WindowGeometry axis) => axis.Needed + (Math.Max(Steps, Room / axis.Period) * axis.Period);
}
