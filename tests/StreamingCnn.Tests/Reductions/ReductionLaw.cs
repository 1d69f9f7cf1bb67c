using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reductions;

/// <summary>A reduction by rectangles gives what it gives on whole maps, values and gradients, however the maps are cut.</summary>
internal static class ReductionLaw
{
    /// <summary>What came out: the results, and the gradients of the operands.</summary>
    public sealed record Outcome(Tensor[] Results, Tensor?[] Gradients);

    /// <summary>Rectangles that hold each position of a map once, down to single positions, in random order.</summary>
    public static IReadOnlyList<(long Top, long Left, long Height, long Width)> Cuts(Random random, long height, long width)
    {
        var largest = random.Next(3) switch { 0 => 1, 1 => random.Next(1, 6), _ => int.MaxValue };
        List<(long Top, long Left, long Height, long Width)> found = [], open = [(0, 0, height, width)];
        while (open.Count > 0)
        {
            var (top, left, h, w) = open[^1];
            open.RemoveAt(open.Count - 1);
            if (h <= largest && w <= largest && (largest == 1 || random.Next(3) == 0 || (h == 1 && w == 1)))
            {
                found.Add((top, left, h, w));
            }
            else if (w == 1 || (h > 1 && random.Next(2) == 0))
            {
                if (h == 1)
                {
                    found.Add((top, left, h, w));
                    continue;
                }

                var cut = random.NextInt64(1, h);
                open.AddRange([(top, left, cut, w), (top + cut, left, h - cut, w)]);
            }
            else
            {
                var cut = random.NextInt64(1, w);
                open.AddRange([(top, left, h, cut), (top, left + cut, h, w - cut)]);
            }
        }

        return [.. found.OrderBy(_ => random.Next())];
    }

    /// <summary>The reduction by rectangles.</summary>
    /// <param name="reduction">Which.</param>
    /// <param name="maps">The operands, whole.</param>
    /// <param name="cuts">The rectangles.</param>
    /// <param name="slopes">Gradients of the results; null for none.</param>
    /// <param name="wanted">For each operand whether its gradient is.</param>
    public static Outcome ByRectangles(
        MapReduction reduction,
        IReadOnlyList<Tensor> maps,
        IReadOnlyList<(long Top, long Left, long Height, long Width)> cuts,
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor?>> slopes,
        IReadOnlyList<bool> wanted)
    {
        var channels = maps.Select(map => map.shape[1]).ToArray();
        reduction.Check(channels);
        Assert.Equal(reduction.Operands, maps.Count);
        using var run = reduction.Start(new(maps[0].shape[0], channels, maps[0].shape[2], maps[0].shape[3], maps[0].device));
        foreach (var cut in cuts)
            run.Add(Rectangles(cut), cut.Top, cut.Left);
        var results = run.Finish();
        Assert.Equal(reduction.Results, results.Count);
        Assert.All(results, result => Assert.Equal(ScalarType.Float64, result.dtype));

        var gradients = maps.Select((map, operand) => wanted[operand] ? full_like(map, double.NaN) : null).ToArray();
        var given = slopes(results);
        foreach (var cut in cuts)
        {
            var found = run.Gradient(Rectangles(cut), cut.Top, cut.Left, given, wanted);
            for (var operand = 0; operand < maps.Count; operand++)
            {
                Assert.Equal(wanted[operand], found[operand] is not null);
                if (found[operand] is not { } gradient)
                    continue;
                Assert.Equal(maps[operand].dtype, gradient.dtype);
                Assert.Equal([maps[operand].shape[0], maps[operand].shape[1], cut.Height, cut.Width], gradient.shape);
                View(gradients[operand]!, cut).copy_(gradient);
            }
        }

        return new([.. results], gradients);

        Tensor[] Rectangles((long Top, long Left, long Height, long Width) cut) => [.. maps.Select(map => View(map, cut))];
    }

    /// <summary>The reduction of whole maps, by autograd.</summary>
    public static Outcome Whole(
        MapReduction reduction,
        IReadOnlyList<Tensor> maps,
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor?>> slopes,
        IReadOnlyList<bool> wanted)
    {
        var operands = maps.Select((map, operand) => map.detach().requires_grad_(wanted[operand])).ToArray();
        var results = reduction.Whole(operands);
        var given = slopes(results);
        Tensor? loss = null;
        foreach (var (result, slope) in results.Zip(given))
        {
            if (slope is null || !result.requires_grad)
                continue;
            var part = (result * slope.to(result.dtype)).sum();
            loss = loss is null ? part : loss.Plus(part);
        }

        loss?.backward();
        return new(
            [.. results.Select(result => result.detach())],
            [.. operands.Select((operand, place) => wanted[place] ? Gradient(operand) : null)]);

        static Tensor Gradient(Tensor operand) => operand.grad is { IsInvalid: false } found ? found : zeros_like(operand);
    }

    /// <summary>That two outcomes agree, by the largest difference relative to the largest value.</summary>
    public static void Agree(Outcome expected, Outcome actual, double tolerance, string @case)
    {
        for (var place = 0; place < expected.Results.Length; place++)
            Near(expected.Results[place], actual.Results[place], tolerance, $"result {place} of {@case}");
        for (var operand = 0; operand < expected.Gradients.Length; operand++)
        {
            if (expected.Gradients[operand] is { } gradient)
                Near(gradient, actual.Gradients[operand]!, tolerance, $"gradient {operand} of {@case}");
        }
    }

    /// <summary>How far two tensors are apart, relative to the largest value.</summary>
    public static double Distance(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        var (one, other) = (expected.to(ScalarType.Float64), actual.to(ScalarType.Float64));
        // Values that are no finite numbers must be the same, and do not count otherwise.
        var same = one.eq(other).logical_or(one.isnan().logical_and(other.isnan()));
        var difference = (one - other).abs().FilledWhere(same, 0);
        return (difference.max() / one.FilledWhere(one.isfinite().logical_not(), 0).abs().max().NoLessThan(1e-300)).item<double>();
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        var distance = Distance(expected, actual);
        Law.Holds(distance <= tolerance, $"The {what} is off by {distance}.");
    }

    private static Tensor View(Tensor map, (long Top, long Left, long Height, long Width) cut) =>
        map.narrow(2, cut.Top, cut.Height).narrow(3, cut.Left, cut.Width);
}
