using System.Globalization;
using BitMiracle.LibTiff.Classic;

namespace StreamingCnn.Imaging.Tests.Reference;

/// <summary>A level of a TIFF file by LibTiff.NET; tiles or strips are decoded when a sample of them is asked for.</summary>
internal sealed class ReferenceTiff : ReferenceImage
{
    private readonly Tiff tiff;
    private readonly Dictionary<int, byte[]> blocks = [];
    private readonly int bits;
    private readonly bool separate;
    private readonly bool real;
    private readonly bool jpeg;
    private readonly (int Height, int Width) block;

    public ReferenceTiff(string path, int level)
    {
        Tiff.SetErrorHandler(new Quiet());
        tiff = Tiff.Open(path, "r");
        // LibTiff.NET goes to a sub-directory but does not tell where one lies.
        if (level > 0 && TiffFile.Read(path).Directories[0].SubDirectories is { Count: > 0 } places)
            Assert.True(tiff.SetSubDirectory(places[level - 1]));
        else if (level > 0)
            Assert.True(tiff.SetDirectory((short)level));
        (Height, Width, Bands) = (Number(TiffTag.IMAGELENGTH), Number(TiffTag.IMAGEWIDTH), Number(TiffTag.SAMPLESPERPIXEL));
        bits = Number(TiffTag.BITSPERSAMPLE);
        separate = Number(TiffTag.PLANARCONFIG) == (int)PlanarConfig.SEPARATE;
        real = Number(TiffTag.SAMPLEFORMAT) == (int)SampleFormat.IEEEFP;
        block = tiff.IsTiled()
            ? (Number(TiffTag.TILELENGTH), Number(TiffTag.TILEWIDTH))
            : (Math.Min(Number(TiffTag.ROWSPERSTRIP), Height), Width);
        jpeg = Number(TiffTag.COMPRESSION) == (int)Compression.JPEG && Number(TiffTag.PHOTOMETRIC) == (int)Photometric.YCBCR;
    }

    public override int Height { get; }

    public override int Width { get; }

    public override int Bands { get; }

    public override float Sample(int y, int x, int band)
    {
        var across = (Width + block.Width - 1) / block.Width;
        var index = (y / block.Height * across) + (x / block.Width);
        if (separate)
            index += band * across * ((Height + block.Height - 1) / block.Height);
        if (!blocks.TryGetValue(index, out var bytes))
            blocks[index] = bytes = Decode(index);
        var at = ((y % block.Height * block.Width) + (x % block.Width)) * (separate ? 1 : Bands) + (separate ? 0 : band);
        return (bits, real) switch
        {
            (8, _) => bytes[at],
            (16, _) => BitConverter.ToUInt16(bytes, at * 2),
            (32, true) => BitConverter.ToSingle(bytes, at * 4),
            _ => throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"{bits} bits")),
        };
    }

    public override void Dispose()
    {
        tiff.Dispose();
        base.Dispose();
    }

    private int Number(TiffTag tag) => tiff.GetFieldDefaulted(tag)[0].ToInt();

    private byte[] Decode(int index)
    {
        if (jpeg)
            return DecodeJpeg(index);
        var bytes = new byte[tiff.IsTiled() ? tiff.TileSize() : tiff.StripSize()];
        var length = tiff.IsTiled()
            ? tiff.ReadEncodedTile(index, bytes, 0, bytes.Length)
            : tiff.ReadEncodedStrip(index, bytes, 0, bytes.Length);
        Assert.True(length > 0);
        return bytes;
    }

    // LibTiff.NET repeats halved chroma where other decoders interpolate it, so a block becomes a JPEG file for the other decoder: tables
    // without their end mark, then the block without its start mark.
    private byte[] DecodeJpeg(int index)
    {
        var coded = new byte[tiff.IsTiled() ? tiff.RawTileSize(index) : tiff.RawStripSize(index)];
        Assert.Equal(
            coded.Length,
            tiff.IsTiled() ? tiff.ReadRawTile(index, coded, 0, coded.Length) : tiff.ReadRawStrip(index, coded, 0, coded.Length));
        if (tiff.GetField(TiffTag.JPEGTABLES) is { } tables)
            coded = [.. tables[1].GetBytes().AsSpan()[..^2], .. coded.AsSpan(2)];
        using var decoded = new ReferenceJpeg(coded);
        Assert.Equal(block, (decoded.Height, decoded.Width));
        var bytes = new byte[block.Height * block.Width * Bands];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)decoded.Sample(i / (block.Width * Bands), i / Bands % block.Width, i % Bands);
        return bytes;
    }

    private sealed class Quiet : TiffErrorHandler
    {
        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
        }
    }
}
