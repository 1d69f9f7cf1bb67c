namespace StreamingCnn.Imaging;

/// <summary>An array of bare samples, a NumPy file or one whose layout the caller knows.</summary>
internal sealed class ArrayContainer : ImageContainer
{
    private readonly RawLayout layout;

    public ArrayContainer(string path, RawLayout layout, string format)
    {
        layout.Check(path, new FileInfo(path).Length);
        this.layout = layout;
        Info = new ImageInfo
        {
            Path = path,
            Format = format,
            Height = layout.Height,
            Width = layout.Width,
            Bands = layout.Channels,
            Bits = layout.SampleBytes * 8,
            FloatingPoint = layout.Samples is RawSamples.Float32 or RawSamples.Float64,
            Levels = [new ImageLevel(layout.Height, layout.Width, 1)],
        };
    }

    public override ImageInfo Info { get; }

    public override IImageSource OpenLevel(int level, ImageOptions options)
    {
        if (options.Channels is { } channels && channels != Info.Bands)
            throw new ImageFormatException(Info.Path, $"the array has {Info.Bands} channel(s) and {channels} were asked for; arrays are not converted.");
        return new ArraySource(Info.Path, layout, options.RawValues);
    }
}
