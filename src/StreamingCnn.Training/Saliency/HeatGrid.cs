using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// A map made smaller: each cell holds the largest value of a square of pixels, so that nothing hot is lost, however small. Not clipped.
/// </summary>
/// <param name="Values">The cells, row by row.</param>
/// <param name="Height">Rows of cells.</param>
/// <param name="Width">Columns of cells.</param>
/// <param name="Side">Side of a cell in pixels of the map; the last row and column may be smaller.</param>
internal sealed record HeatGrid(float[] Values, int Height, int Width, int Side)
{
    /// <summary>Makes the grid.</summary>
    /// <param name="map">One channel.</param>
    /// <param name="largest">Most cells on a side.</param>
    public static HeatGrid Of(RasterFile map, int largest)
    {
        var side = (int)((Math.Max(map.Height, map.Width) + largest - 1) / largest);
        var (height, width) = ((int)((map.Height + side - 1) / side), (int)((map.Width + side - 1) / side));
        var values = new float[height * width];
        var rows = Math.Max(map.BandRows / side, 1) * side;
        for (long top = 0; top < map.Height; top += rows)
        {
            using var scope = NewDisposeScope();
            var band = map.Read(top, Math.Min(rows, map.Height - top));
            var pooled = nn.functional.max_pool2d(band, side, ceil_mode: true).contiguous();
            pooled.data<float>().CopyTo(values, (int)(top / side * width));
        }

        return new(values, height, width, side);
    }
}
