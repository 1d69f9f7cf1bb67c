using CsCheck;
using StreamingCnn.Geometry;

namespace StreamingCnn.Tests.Geometry;

/// <summary>Random maps of every kind, with settings far beyond those of common layers. Settings that a map refuses are left out.</summary>
internal static class AxisMapCases
{
    private static readonly Gen<long> Length = Gen.Long[1, 60];

    private static readonly Gen<AxisMapCase?> Sliding = Gen.Select(
        Length, Gen.Long[1, 7], Gen.Long[1, 5], Gen.Long[1, 3], Gen.Long[-3, 8], Gen.Long[-3, 8], Gen.Bool,
        (n, k, s, d, p, q, ceiling) => Try(
            $"window n={n} k={k} s={s} d={d} p={p} q={q} ceiling={ceiling}",
            () => new SlidingWindow(n, k, s, d, p, q, ceiling),
            leavesGaps: (d * (k - 1)) + 1 < s));

    private static readonly Gen<AxisMapCase?> Transposed = Gen.Select(
        Length, Gen.Long[1, 6], Gen.Long[1, 5], Gen.Long[1, 3], Gen.Long[0, 6], Gen.Long[0, 4],
        (n, k, s, d, p, op) =>
            Try($"transposed n={n} k={k} s={s} d={d} p={p} op={op}", () => new TransposedWindow(n, k, s, d, p, op % Math.Max(s, d))));

    private static readonly Gen<AxisMapCase?> Reflection = Gen.Select(
        Length, Gen.Long[0, 9], Gen.Long[0, 9], (n, p, q) => Try($"reflect n={n} p={p} q={q}", () => new ReflectionPadding(n, p, q)));

    private static readonly Gen<AxisMapCase?> Replication = Gen.Select(
        Length, Gen.Long[0, 9], Gen.Long[0, 9], (n, p, q) => Try($"replicate n={n} p={p} q={q}", () => new ReplicationPadding(n, p, q)));

    private static readonly Gen<AxisMapCase?> Nearest = Gen.Select(
        Gen.Long[1, 200], Gen.Long[1, 200], (n, resized) => Try($"nearest n={n} N={resized}", () => new NearestResize(n, resized)));

    private static readonly Gen<AxisMapCase?> Linear = Gen.Select(
        Length, Gen.Long[1, 90], Gen.Bool, (n, resized, corners) => Try(
            $"linear n={n} N={resized} corners={corners}", () => new LinearResize(n, resized, corners)));

    private static readonly Gen<AxisMapCase?> Cubic = Gen.Select(
        Length, Gen.Long[1, 90], Gen.Bool, (n, resized, corners) => Try(
            $"cubic n={n} N={resized} corners={corners}", () => new CubicResize(n, resized, corners)));

    private static readonly Gen<AxisMapCase?> Partition = Gen.Select(
        Length, Gen.Long[1, 9], Gen.Long[0, 8], (n, window, shift) => Try(
            $"windows n={n} of {window} shifted by {shift % window}", () => new WindowPartition(n, window, shift % window)));

    private static readonly Gen<AxisMapCase?> Neighbours = Gen.Select(
        Length, Gen.Long[0, 5], (n, reach) => Try($"neighbourhood n={n} of {(2 * reach) + 1}", () => new Neighbourhood(n, (2 * reach) + 1)));

    private static readonly Gen<AxisMapCase?> Magnification = Gen.Select(
        Length, Gen.Long[1, 5], (n, f) => Try($"magnification n={n} f={f}", () => new Magnification(n, f)));

    private static readonly Gen<AxisMapCase?> Identity = Length.Select(n => Try($"identity n={n}", () => new IdentityMap(n)));

    private static readonly Gen<AxisMapCase?> PaddedWindow = Gen.Select(
        Gen.OneOf(Reflection, Replication), Gen.Long[1, 7], Gen.Long[1, 5], Gen.Long[1, 3],
        (padding, k, s, d) => padding is null
            ? null
            : Try(
                $"{padding.Name} then window k={k} s={s} d={d}",
                () => new Composition(padding.Map, new SlidingWindow(padding.Map.OutputLength, k, s, d)),
                leavesGaps: (d * (k - 1)) + 1 < s));

    /// <summary>A map of any kind.</summary>
    public static Gen<AxisMapCase> Any { get; } = Gen
        .OneOf(
            Sliding, Transposed, Reflection, Replication, Nearest, Linear, Cubic, Partition, Neighbours, Magnification, Identity,
            PaddedWindow)
        .Where(c => c is not null)
        .Select(c => c!);

    private static AxisMapCase? Try(string name, Func<AxisMap> create, bool leavesGaps = false)
    {
        try
        {
            return new(name, create(), leavesGaps);
        }
        catch (GeometryException)
        {
            return null;
        }
    }
}

/// <summary>A map.</summary>
/// <param name="Name">Kind and settings, for failures to name.</param>
/// <param name="Map">The map.</param>
/// <param name="LeavesGaps">
/// Whether there are positions between its windows that no output reads, at which a span may begin in the padding.
/// </param>
internal sealed record AxisMapCase(string Name, AxisMap Map, bool LeavesGaps)
{
    public override string ToString() => Name;
}
