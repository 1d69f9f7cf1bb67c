using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>Finds a module's geometry along one axis, on strips that are short along the other.</summary>
/// <param name="module">The module.</param>
/// <param name="axis">The axis.</param>
/// <param name="least">A length along it that the module runs on.</param>
/// <param name="across">The same of the other axis.</param>
/// <param name="gradients">Whether gradients must agree as well.</param>
internal sealed class AxisProbe(ProbedModule module, Axis axis, long least, long across, bool gradients)
{
    private const long ShortestStrip = 128;
    private const long LongestStrip = 8192;
    private const long LargestStrip = 1 << 20;

    /// <summary>Pixels of the largest image that windows are tried on.</summary>
    public const long LargestImage = 1 << 18;

    private static readonly int[] Primes = [2, 3, 5, 7, 11, 13];

    /// <summary>Whether the far end of a strip that begins a period later is the same: what a wrong period mostly fails already.</summary>
    /// <param name="period">The period.</param>
    /// <param name="local">A length at which outputs at one end of a strip do not read the other.</param>
    public bool MayRepeat(long period, long local)
    {
        using var scope = NewDisposeScope();
        var length = Length(local, period);
        var strip = Strip(length + period);
        var (whole, part) = (module.Run(strip), module.Run(strip.narrow(axis.Dimension(), period, length)));
        var count = part.shape[axis.Dimension()] / 4;
        return count > 0 && whole.shape[axis.Dimension()] > count && whole.shape[axis.Other()] == part.shape[axis.Other()]
            && Rounding.Agrees(End(part), End(whole), Rounding.Scale(whole));

        Tensor End(Tensor map) => map.narrow(axis.Dimension(), map.shape[axis.Dimension()] - count, count);
    }

    /// <summary>Finds the geometry.</summary>
    /// <param name="period">A number that the period is thought to divide.</param>
    /// <param name="local">A length at which outputs at one end of a strip do not read the other; 0 where none is known yet.</param>
    /// <returns>The geometry with the smallest period; null where the grid does not repeat after this one.</returns>
    /// <exception cref="ProbeException">Outputs read everything, or the module throws.</exception>
    public WindowGeometry? Find(long period, ref long local)
    {
        long read = 0;
        var shortest = Math.Max(Math.Max(ShortestStrip, local), 3 * period);
        var longest = Math.Min(LongestStrip, LargestStrip / across);
        for (var length = Length(shortest, period); length <= longest; length = Length(2 * length, period))
        {
            var cut = length / 2 / period * period;
            read = length - cut;
            if (Reach.Measure(module, axis, length, across, cut) is not var (begin, end))
                continue;
            long outputs = Outputs(length), perPeriod = Outputs(length + period) - outputs;
            if (perPeriod < 1)
                return null;
            var cutOff = cut / period * perPeriod;
            var (lead, trail) = (Math.Max(0, begin - cutOff), Math.Max(0, outputs - cutOff - end));
            var found = new WindowGeometry(period, perPeriod, lead, trail, least, (length, outputs));
            // The grid has to be seen on either side of what the cut changes.
            if (outputs - cutOff - found.Lead < 2 * perPeriod || outputs - cutOff - found.Trail < 2 * perPeriod)
                continue;
            local = length;
            return Repeats(found) ? Shortest(found) : null;
        }

        throw read > 0
            ? new ProbeException($"is not local: its outputs read more than {read} pixels") { IsFinal = true }
            : new ProbeException($"runs on too large images only to be tried: {least} pixels and more along an axis");
    }

    /// <summary>Divides the period as long as the grid repeats.</summary>
    private WindowGeometry Shortest(WindowGeometry found)
    {
        foreach (var prime in Primes)
        {
            while (found.Period % prime == 0 && found.PerPeriod % prime == 0)
            {
                var shorter = found with { Period = found.Period / prime, PerPeriod = found.PerPeriod / prime };
                if (!Repeats(shorter))
                    break;
                found = shorter;
            }
        }

        return found;
    }

    /// <summary>Whether windows that begin and end some periods within a strip give what the strip gives.</summary>
    private bool Repeats(WindowGeometry geometry)
    {
        using var scope = NewDisposeScope();
        var other = WindowGeometry.Uncut(across, Across(geometry.Known.Length));
        var trial = axis == Axis.Rows ? new WindowTrial(module, geometry, other) : new WindowTrial(module, other, geometry);
        var length = geometry.Known.Length + (3 * geometry.Period);
        try
        {
            return trial.ValuesAgree(Strip(length), Window(1, 0), Window(0, 1), Window(2, 1))
                && (!gradients || trial.GradientsAgree(Strip(length), Window(1, 1)));
        }
        catch (ProbeException)
        {
            // It runs on lengths of the longer period alone.
            return false;
        }

        Region Window(long before, long behind)
        {
            var along = new Interval(before * geometry.Period, length - (behind * geometry.Period));
            return axis == Axis.Rows ? new(along, new(0, across)) : new(new(0, across), along);
        }
    }

    private long Outputs(long length) => Size(length)[axis.Dimension()];

    private long Across(long length) => Size(length)[axis.Other()];

    private long[] Size(long length)
    {
        using var scope = NewDisposeScope();
        return module.Run(Strip(length)).shape;
    }

    private Tensor Strip(long length) => axis == Axis.Rows ? module.Plain(length, across) : module.Plain(across, length);

    private long Length(long bound, long period) => WindowGeometry.AtLeast(bound, least, period);
}
