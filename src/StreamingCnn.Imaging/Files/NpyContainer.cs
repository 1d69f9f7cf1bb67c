namespace StreamingCnn.Imaging;

/// <summary>A NumPy array (height, width) or (height, width, channels), read through a memory map.</summary>
internal sealed class NpyContainer : ImageContainer
{
    private readonly NpyHeader header;

    public NpyContainer(string path)
    {
        header = NpyHeader.Read(path);
        Info = new ImageInfo
        {
            Path = path,
            Format = "NumPy",
            Height = header.Shape[0],
            Width = header.Shape[1],
            Bands = header.Shape.Count == 3 ? checked((int)header.Shape[2]) : 1,
            Bits = header.ItemSize * 8,
            FloatingPoint = header.Kind == 'f',
            Levels = [new ImageLevel(header.Shape[0], header.Shape[1], 1)],
        };
    }

    public override ImageInfo Info { get; }

    public override IImageSource OpenLevel(int level, ImageOptions options)
    {
        if (options.Channels is { } channels && channels != Info.Bands)
            throw new ImageFormatException(Info.Path, $"the array has {Info.Bands} channel(s) and {channels} were asked for; arrays are not converted.");
        return new NpyImageSource(Info, header, options.RawValues);
    }
}
