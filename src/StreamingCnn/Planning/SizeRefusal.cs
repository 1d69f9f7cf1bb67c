using System.Globalization;

namespace StreamingCnn.Planning;

/// <summary>What cannot be applied to images of some sizes.</summary>
internal static class SizeRefusal
{
    /// <summary>A layer or a reduction that cannot be applied to images of some heights, or of some widths.</summary>
    /// <param name="path">Its path in the trunk.</param>
    /// <param name="name">Its type.</param>
    /// <param name="axis">What the lengths are called.</param>
    /// <param name="sources">Length of each image.</param>
    /// <param name="reason">Why not.</param>
    public static UnsupportedLayerException Of(string path, string name, string axis, IReadOnlyList<long> sources, Exception reason) =>
        Of(
            path,
            name,
            [
                .. sources.Select(
                    (length, source) => string.Create(CultureInfo.InvariantCulture, $"{(source == 0 ? axis + " " : "")}{length}")),
            ],
            reason);

    /// <summary>A layer or a reduction that cannot be applied to images of some sizes.</summary>
    /// <inheritdoc cref="Of(string, string, string, IReadOnlyList{long}, Exception)"/>
    public static UnsupportedLayerException Of(
        string path, string name, IReadOnlyList<(long Height, long Width)> sources, Exception reason) =>
        Of(path, name, [.. sources.Select(size => Size(size.Height, size.Width))], reason);

    /// <summary>A size as messages write it.</summary>
    public static string Size(long height, long width) => string.Create(CultureInfo.InvariantCulture, $"{height} x {width}");

    private static UnsupportedLayerException Of(string path, string name, string[] sources, Exception reason) => new(
        path,
        name,
        sources.Length == 1
            ? $"cannot be applied to an image of {sources[0]}: {reason.Message}"
            : $"cannot be applied to inputs of {string.Join(" and ", sources)}: {reason.Message}",
        reason);
}
