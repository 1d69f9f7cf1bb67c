using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>
/// Finds out how a module that the engine cannot see into may be cut: the period of its grid, how far from a cut its outputs change, and
/// whether windows then give what the whole gives. What it finds it tries on many images; what does not pass is refused.
/// </summary>
/// <param name="module">The module, in the modes and with the weights that it is to be run with.</param>
/// <param name="gradients">Whether gradients are wanted.</param>
internal sealed class LocalityProbe(ProbedModule module, bool gradients)
{
    // Multiples of the periods that are found. The first holds most networks: powers of two up to 32.
    private static readonly long[] Periods = [32, 48, 40, 56, 36, 60, 44, 52, 128, 72, 84, 96, 100, 120, 144, 192, 256, 512];

    // Of these, how many are tried to find out whether images of other sizes would do.
    private const int CommonPeriods = 2;

    // Sides of the images on which a module is first tried; networks without padding need large ones.
    private static readonly long[] Sides = [48, 112, 240, 496];
    private const int MostFailures = 8;

    private int failures;
    private bool hasRun;
    private long localRows;
    private long localColumns;

    /// <summary>Probes a module for images of a size.</summary>
    /// <param name="height">Height of the image: what holds for it holds for all that differ by whole periods.</param>
    /// <param name="width">Its width.</param>
    /// <exception cref="ProbeException">The module cannot be run on windows of such images.</exception>
    public (WindowGeometry Rows, WindowGeometry Columns) Find(long height, long width) => Find(height, width, Periods);

    /// <summary>Probes a module for images whose sides are multiples of a common number.</summary>
    /// <exception cref="ProbeException">The module cannot be run on windows of them either.</exception>
    public (WindowGeometry Rows, WindowGeometry Columns) FindEven() => Find(0, 0, Periods.AsSpan(0, CommonPeriods));

    private (WindowGeometry Rows, WindowGeometry Columns) Find(long height, long width, ReadOnlySpan<long> periods)
    {
        ProbeException? reason = null;
        foreach (var period in periods)
        {
            try
            {
                if (Cuts(height, width, period) is { } found)
                    return found;
                reason = new ProbeException(
                    "gives other values on a window than on the whole image: they depend on the position in the image or on its size");
            }
            catch (ProbeException failure) when (!failure.IsFinal)
            {
                reason ??= failure;
                if (failures >= MostFailures)
                    break;
            }
        }

        throw reason!;
    }

    private (WindowGeometry Rows, WindowGeometry Columns)? Cuts(long height, long width, long period)
    {
        var (tall, wide) = Smallest(height, width, period);
        var down = new AxisProbe(module, Axis.Rows, tall, wide, gradients);
        var right = new AxisProbe(module, Axis.Columns, wide, tall, gradients);
        if ((localRows > 0 && !down.MayRepeat(period, localRows)) || (localColumns > 0 && !right.MayRepeat(period, localColumns)))
            return null;
        if (down.Find(period, ref localRows) is not { } rows || right.Find(period, ref localColumns) is not { } columns)
            return null;
        new WindowTrials(module, rows, columns, gradients).Run(height, width);
        return (rows, columns);
    }

    /// <summary>The smallest of a few sizes that the module runs on; they leave the image's remainders.</summary>
    private (long Height, long Width) Smallest(long height, long width, long period)
    {
        ProbeException? reason = null;
        foreach (var side in Sides)
        {
            var (tall, wide) = (WindowGeometry.AtLeast(side, height, period), WindowGeometry.AtLeast(side, width, period));
            if (tall * wide > 2 * AxisProbe.LargestImage)
                break;
            try
            {
                RunTwice(tall, wide);
                return (tall, wide);
            }
            catch (ProbeException failure) when (!failure.IsFinal)
            {
                reason ??= failure;
                if (!hasRun && ++failures >= MostFailures)
                    break;
            }
        }

        throw reason ?? new ProbeException("runs on too large images only to be tried");
    }

    private void RunTwice(long height, long width)
    {
        using var scope = NewDisposeScope();
        var image = module.Normal(height, width);
        using var first = module.Run(image);
        if (!hasRun && Rounding.Differs(module.Run(image), first).any().item<bool>())
        {
            throw new ProbeException(
                "gives other values when it is run again on the same image: it draws random numbers or keeps a state")
            {
                IsFinal = true,
            };
        }

        module.TakesPositiveAlone = !first.isfinite().all().item<bool>();
        hasRun = true;
    }
}
