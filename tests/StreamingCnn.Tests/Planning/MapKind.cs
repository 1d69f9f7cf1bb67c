using StreamingCnn.Geometry;

namespace StreamingCnn.Tests.Planning;

internal enum MapKind
{
    Pointwise,
    Window,
    Transposed,
    Magnification,
    Nearest,
    Linear,
    Reflection,
    Replication,
    MirroredWindow,
}

/// <summary>The settings of a map along one axis; those that its kind does not have are left at their defaults.</summary>
internal sealed record MapSettings(
    MapKind Kind, long Kernel =
        1, long Stride =
            1, long Dilation = 1, long Before = 0, long After = 0, bool Ceiling = false, long Resized = 1, bool AlignCorners = false)
{
    public long Extent => (Dilation * (Kernel - 1)) + 1;

    /// <summary>The map for an input of the given length.</summary>
    /// <exception cref="GeometryException">There is none.</exception>
    public AxisMap On(long length) => Kind switch
    {
        MapKind.Pointwise => new IdentityMap(length),
        MapKind.Window => new SlidingWindow(length, Kernel, Stride, Dilation, Before, After, Ceiling),
        MapKind.Transposed => new TransposedWindow(length, Kernel, Stride, Dilation, Before, After % Math.Max(Stride, Dilation)),
        MapKind.Magnification => new Magnification(length, Stride),
        MapKind.Nearest => new NearestResize(length, Resized),
        MapKind.Linear => new LinearResize(length, Resized, AlignCorners),
        MapKind.Reflection => new ReflectionPadding(length, Before, After),
        MapKind.Replication => new ReplicationPadding(length, Before, After),
        _ => new Composition(
            new ReflectionPadding(length, Before, After), new SlidingWindow(length + Before + After, Kernel, Stride, Dilation)),
    };

    /// <summary>Draws settings.</summary>
    public static MapSettings Random(Random random, MapKind kind) => kind switch
    {
        MapKind.Window => new(
            kind,
            random.Next(1, 6),
            random.Next(1, 4),
            random.Next(1, 3),
            random.Next(-1, 5),
            random.Next(-1, 5),
            Ceiling: random.Next(4) == 0),
        MapKind.Transposed => new(kind, random.Next(1, 5), random.Next(1, 4), random.Next(1, 3), random.Next(0, 3), random.Next(0, 3)),
        MapKind.Magnification => new(kind, Stride: random.Next(1, 4)),
        MapKind.Nearest => new(kind, Resized: random.Next(1, 80)),
        MapKind.Linear => new(kind, Resized: random.Next(1, 80), AlignCorners: random.Next(2) == 0),
        MapKind.Reflection or MapKind.Replication => new(kind, Before: random.Next(0, 5), After: random.Next(0, 5)),
        MapKind.MirroredWindow => new(kind, random.Next(1, 5), random.Next(1, 4), random.Next(1, 3), random.Next(0, 5), random.Next(0, 5)),
        _ => new(MapKind.Pointwise),
    };
}
