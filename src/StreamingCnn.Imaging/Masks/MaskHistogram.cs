using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>How often a mask has each of its values.</summary>
public static class MaskHistogram
{
    // What tells classes apart has fewer; an image that was given for a mask has more.
    private const int MostValues = 4096;

    private const long Side = 2048;

    /// <summary>Reads a mask through, window by window.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Pixels of each value, in the order of the values.</returns>
    /// <exception cref="ImageFormatException">The file cannot be read, is no mask, or holds what are no whole numbers.</exception>
    public static IReadOnlyDictionary<long, long> Of(string path)
    {
        using var mask = MaskFile.Open(path);
        var bytes = new long[256];
        var others = new Dictionary<double, long>();
        for (long top = 0; top < mask.Height; top += Side)
        {
            for (long left = 0; left < mask.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                var window = mask.Read(top, left, Math.Min(Side, mask.Height - top), Math.Min(Side, mask.Width - left));
                if (window.dtype == ScalarType.Byte)
                {
                    foreach (var value in window.contiguous().bytes)
                        bytes[value]++;
                    continue;
                }

                var numbers = FloatPixels.Of(window);
                for (long line = 0; line < numbers.Height; line++)
                {
                    foreach (var value in numbers[line])
                        CollectionsMarshal.GetValueRefOrAddDefault(others, value, out _)++;
                }

                if (others.Count > MostValues)
                    throw new ImageFormatException(
                        path, $"it has more than {MostValues} different values, so it is an image and no mask of classes.");
            }
        }

        if (others.Keys.FirstOrDefault(value => value != Math.Floor(value) || double.IsInfinity(value), 0) is var odd && odd != 0)
        {
            throw new ImageFormatException(
                path, FormattableString.Invariant($"the mask has the value {odd}, but the number of a class is a whole one."));
        }

        var found = new SortedDictionary<long, long>();
        foreach (var (value, count) in bytes.Index().Where(one => one.Item > 0))
            found[value] = count;
        foreach (var (value, count) in others)
            found[(long)value] = count;
        return found;
    }
}
