using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>A mask as a map of classes: numbers from 0, and <see cref="MaskValues.Ignored"/> where a pixel does not count.</summary>
public sealed class ClassMapSource : IImageSource
{
    private readonly IImageSource mask;
    private readonly MaskValues values;
    private readonly string name;

    /// <summary>Creates the view. It owns <paramref name="mask"/> from then on and disposes it.</summary>
    /// <param name="mask">The mask, of one channel, with its values as they are stored.</param>
    /// <param name="values">What they mean.</param>
    /// <param name="name">What to call the mask in messages: its file.</param>
    /// <exception cref="ArgumentException">The mask has more than one channel.</exception>
    public ClassMapSource(IImageSource mask, MaskValues values, string name)
    {
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(name);
        if (mask.Channels != 1)
            throw new ArgumentException($"A mask has one channel, but this one has {mask.Channels}.", nameof(mask));
        (this.mask, this.values, this.name) = (mask, values, name);
    }

    /// <inheritdoc/>
    public int Channels => 1;

    /// <inheritdoc/>
    public long Height => mask.Height;

    /// <inheritdoc/>
    public long Width => mask.Width;

    /// <summary>Reads a window of classes, [1, 1, h, w] of int16.</summary>
    /// <exception cref="ImageFormatException">A value means nothing.</exception>
    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var window = mask.Read(top, left, height, width);
        var result = empty([1, 1, height, width], ScalarType.Int16);
        var classes = MemoryMarshal.Cast<byte, short>(result.bytes);
        if (window.dtype == ScalarType.Byte)
        {
            var bytes = window.contiguous().bytes;
            for (var i = 0; i < classes.Length; i++)
                classes[i] = values.Of(bytes[i]);
        }
        else
        {
            var numbers = FloatPixels.Of(window);
            for (var i = 0; i < classes.Length; i++)
                classes[i] = values.Of(numbers[i / width][(int)(i % width)]);
        }

        if (classes.IndexOf(MaskValues.Unknown) is >= 0 and var place)
        {
            var found = window.flatten()[place].to(ScalarType.Float64).item<double>();
            throw new ImageFormatException(
                name,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the mask has the value {found} at row {top + (place / width)}, column {left + (place % width)}, which is no class; its classes are {string.Join(", ", values.Classes)}."));
        }

        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => mask.Dispose();
}
