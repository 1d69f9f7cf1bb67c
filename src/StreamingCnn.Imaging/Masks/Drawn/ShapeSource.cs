using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>Shapes as a map of classes, drawn window by window.</summary>
/// <param name="path">Their file, for messages.</param>
/// <param name="index">The shapes.</param>
/// <param name="numbers">The number of each shape's class.</param>
/// <param name="classes">Names of the classes.</param>
/// <param name="outside">The number of what no shape covers.</param>
/// <param name="height">Rows of the image.</param>
/// <param name="width">Its columns.</param>
/// <param name="boxes">
/// Where a pixel of several shapes is of the nearest one, the boxes that they are of; null where shapes of different classes may not lie on
/// one another.
/// </param>
internal sealed class ShapeSource(
    string path,
    ShapeIndex index,
    short[] numbers,
    IReadOnlyList<string> classes,
    short outside,
    long height,
    long width,
    IReadOnlyList<DrawnObject>? boxes = null) : IImageSource
{
    /// <summary>A number that no class has.</summary>
    public const short Outside = MaskValues.Unknown;

    public int Channels => 1;

    public long Height => height;

    public long Width => width;

    /// <summary>The classes of a window, row by row.</summary>
    /// <exception cref="ImageFormatException">Shapes of different classes lie on one another.</exception>
    public short[] Draw(long top, long left, long rows, long columns)
    {
        var window = new short[rows * columns];
        Array.Fill(window, Outside);
        var owners = boxes is null ? [] : new int[window.Length];
        index.Runs(top, top + rows, (shape, row, from, to) =>
        {
            var (begin, end) = (Math.Max(from - left, 0), Math.Min(to - left, columns));
            if (begin >= end)
                return;
            var number = numbers[shape];
            var line = window.AsSpan((int)((row - top) * columns), (int)columns);
            for (var column = (int)begin; column < end; column++)
            {
                ref var pixel = ref line[column];
                var place = boxes is null ? 0 : ((row - top) * columns) + column;
                if (pixel == Outside || number == MaskValues.Ignored || (pixel != MaskValues.Ignored && IsNearer(shape, place)))
                {
                    pixel = number;
                    if (boxes is not null)
                        owners[place] = shape;
                }
                else if (boxes is not null)
                {
                    continue;
                }
                else if (pixel != number && pixel != MaskValues.Ignored)
                    throw Overlap(pixel, number, row, left + column);
            }
        });

        bool IsNearer(int shape, long place)
        {
            if (boxes is null)
                return false;
            var (x, y) = (left + (place % columns) + 0.5, top + (place / columns) + 0.5);
            return boxes[shape].Distance(x, y) < boxes[owners[place]].Distance(x, y);
        }

        if (outside != Outside)
            window.AsSpan().Replace(Outside, outside);
        return window;
    }

    public Tensor Read(long top, long left, long rows, long columns)
    {
        new ImageRegion(top, left, rows, columns).CheckInside(height, width);
        using var scope = NewDisposeScope();
        var window = empty([1, 1, rows, columns], ScalarType.Int16, CPU);
        Draw(top, left, rows, columns).CopyTo(MemoryMarshal.Cast<byte, short>(window.bytes));
        return window.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
    }

    private ImageFormatException Overlap(short one, short other, long row, long column) => new(
        path,
        string.Create(
            CultureInfo.InvariantCulture,
            $"'{classes[one]}' and '{classes[other]}' lie on one another at row {row}, column {column}, but a pixel is of one class; cut one out of the other."));
}
