using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Generators;

/// <summary>Many generated images on one, small, each with its label above it.</summary>
public static class ContactSheet
{
    private const int Gap = 6;

    /// <summary>Lays images out in rows.</summary>
    /// <param name="images">The images; disposed.</param>
    /// <param name="columns">Images in a row.</param>
    /// <param name="side">Height and width of a small image in pixels.</param>
    /// <returns>The sheet, in memory, one channel of uint8.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no column, or a side is smaller than a digit.</exception>
    /// <exception cref="ArgumentException">There is no image.</exception>
    public static IImageSource Of(IEnumerable<DigitCanvas> images, int columns, int side = 240)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, DigitBank.Side);
        using var scope = NewDisposeScope();
        var rows = images.Select(image => Cell(image, side)).Chunk(columns).Select(row => Row(row, columns)).ToList();
        if (rows.Count == 0)
            throw new ArgumentException("A contact sheet needs at least one image.", nameof(images));
        return new TensorImageSource(cat(rows, 1));
    }

    private static Tensor Row(Tensor[] cells, int columns) =>
        nn.functional.pad(cat(cells, 2), [0, (columns - cells.Length) * cells[0].shape[2]], value: 255);

    private static Tensor Cell(DigitCanvas image, int side)
    {
        using (image)
        {
            using var small = new ResampledSource(image, side, side);
            using Scalar white = 255;
            var cell = full([1, DigitBank.Side + side + Gap, side + Gap], white, ScalarType.Byte);
            cell.narrow(1, DigitBank.Side, side).narrow(2, 0, side).copy_(small.Read(0, 0, side, side)[0]);
            // The digits of the label are drawn as those of the images are, with a pen that does not shake: the generator needs no fonts.
            var label = image.Label.ToString(CultureInfo.InvariantCulture);
            for (var i = 0; i < label.Length; i++)
            {
                var ink = tensor(new StrokeDigits().Draw(label[i] - '0', new Random(0)), [1, DigitBank.Side, DigitBank.Side]);
                cell.narrow(1, 0, DigitBank.Side).narrow(2, i * DigitBank.Side * 2 / 3, DigitBank.Side).sub_(ink);
            }

            return cell;
        }
    }
}
