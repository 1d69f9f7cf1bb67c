using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Some bands of another source, in an order of their own.</summary>
internal sealed class BandSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly int[] bands;

    /// <param name="inner">The source; owned from then on.</param>
    /// <param name="bands">Places of the bands in it, from 0.</param>
    public BandSource(IImageSource inner, int[] bands) => (this.inner, this.bands) = (inner, bands);

    public int Channels => bands.Length;

    public long Height => inner.Height;

    public long Width => inner.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var window = inner.Read(top, left, height, width);
        // Whole planes are copied one by one: a picked window must not hold the memory of all bands.
        return cat([.. bands.Select(band => window.narrow(1, band, 1))], 1).MoveToOuterDisposeScope();
    }

    public void Dispose() => inner.Dispose();
}
