namespace StreamingCnn.Imaging;

/// <summary>An array of bare samples, a NumPy file or one whose layout the caller knows.</summary>
internal sealed class ArrayContainer : ImageContainer
{
    private readonly RawLayout layout;

    public ArrayContainer(string path, RawLayout layout, string format)
    {
        layout.Check(path, FileSize.Of(path));
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

    protected override IEnumerable<ImageRemark> OwnRemarks(ImageOptions options, int channels)
    {
        if (channels > 1)
        {
            var shape = layout.ChannelsFirst
                ? $"({Info.Bands}, {Info.Height}, {Info.Width}) is read as (channels, height, width)"
                : $"({Info.Height}, {Info.Width}, {Info.Bands}) is read as (height, width, channels)";
            yield return new(ImageAspect.Axes, shape, layout.ChannelsFirst);
        }
    }

    protected override IImageSource OpenAll(int level, ImageOptions options)
    {
        if (options.Channels is not { } channels || channels == Info.Bands)
            return Stored(options.RawValues);
        return Info.Bands is 1 or 3
            ? new ConvertedSource(Stored(options.RawValues), channels)
            : throw new ImageFormatException(
                Info.Path,
                $"the array has {Info.Bands} channel(s) and {channels} were asked for; only 1 or 3 are converted, so choose {channels} of its bands.");
    }

    // Of planes only those are opened that are wanted.
    protected override IImageSource OpenChosen(int level, ImageOptions all, int[] bands) =>
        layout.ChannelsFirst ? Planes(bands, all.RawValues) : base.OpenChosen(level, all, bands);

    private IImageSource Stored(bool rawValues) => layout.ChannelsFirst
        ? Planes([.. Enumerable.Range(0, layout.Channels)], rawValues)
        : new ArraySource(Info.Path, layout, rawValues);

    private JoinedSource Planes(int[] places, bool rawValues)
    {
        var plane = layout.Height * layout.Width * layout.SampleBytes;
        return JoinedSource.Open(
            Info.Path,
            places.Length,
            channel => new ArraySource(
                Info.Path,
                layout with { Channels = 1, ChannelsFirst = false, Offset = layout.Offset + (places[channel] * plane) },
                rawValues));
    }
}
