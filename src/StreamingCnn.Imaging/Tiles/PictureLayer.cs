using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>An image as people see it.</summary>
internal sealed class PictureLayer : TileLayer
{
    private const byte White = 255;

    private readonly TilePyramid<byte, MeanOfBytes> tiles;
    private readonly int channels;
    private readonly PictureRange range;

    public PictureLayer(FileLevels file)
        : base(new(file.Info.Height, file.Info.Width), 1, file)
    {
        VipsLibrary.Quieten();
        try
        {
            channels = Stretch.Shown(file.Channels);
            range = PictureRange.Of(file);
            tiles = new(Grid, channels, level => LevelMatch.OfImage(File.Info, Grid.Factor(level)) is not null, Read);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override string Ending => "jpg";

    public override string Remark => range.Remark;

    public override double Share => tiles.Share;

    private protected override byte[] EncodeOne(TilePlace place, CancellationToken cancellation) =>
        TileBytes.Jpeg(tiles.Get(place, cancellation), Grid.Region(place), channels);

    private protected override void EncodeEach(Action<TilePlace, byte[]> write, CancellationToken cancellation) =>
        tiles.All((place, pixels) => write(place, TileBytes.Jpeg(pixels, Grid.Region(place), channels)), cancellation);

    private byte[] Read(TilePlace place)
    {
        var factor = Grid.Factor(place.Level);
        var level = LevelMatch.OfImage(File.Info, factor)!.Value;
        using var scope = NewDisposeScope();
        var window = new SampledWindow(File, level, Grid.Region(place), (File.Info.Height, File.Info.Width), factor, isImage: true);
        var pixels = new byte[window.Rows.Length * window.Columns.Length * channels];
        if (window.Pixels.dtype == ScalarType.Byte)
            window.Copy(pixels, channels, range.Table);
        else
            window.Copy<float, byte>(pixels, channels, (value, channel) => float.IsNaN(value) ? White : range.Of(value, channel));
        return pixels;
    }
}
