using SkiaSharp;

namespace StreamingCnn.Imaging.Tests.Reference;

/// <summary>JPEG by Skia: red, green and blue whatever is stored; nothing turned, no colour profile applied.</summary>
internal sealed class ReferenceJpeg : ReferenceImage
{
    private readonly byte[] pixels;

    public ReferenceJpeg(byte[] file)
    {
        using var codec = SKCodec.Create(new MemoryStream(file));
        Assert.NotNull(codec);
        using var bitmap = new SKBitmap(new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Assert.Equal(SKCodecResult.Success, codec.GetPixels(bitmap.Info, bitmap.GetPixels()));
        (Height, Width) = (bitmap.Height, bitmap.Width);
        Bands = codec.Info.ColorType == SKColorType.Gray8 ? 1 : 3;
        pixels = bitmap.Bytes;
    }

    public override int Height { get; }

    public override int Width { get; }

    public override int Bands { get; }

    public override float Sample(int y, int x, int band) => pixels[(((y * Width) + x) * 4) + band];
}
