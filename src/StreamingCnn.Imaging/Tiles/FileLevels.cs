using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>The levels of an image file, each opened when the first pixel of it is asked for. Reads on one thread at a time.</summary>
/// <param name="container">The file.</param>
/// <param name="options">How it is read; levels are chosen here.</param>
internal sealed class FileLevels(ImageContainer container, ImageOptions options) : IDisposable
{
    private readonly IImageSource?[] sources = new IImageSource?[container.Info.Levels.Count];

    /// <summary>What the file's header says.</summary>
    public ImageInfo Info => container.Info;

    /// <summary>How it is read.</summary>
    public ImageOptions Options => options;

    /// <summary>Channels of every window.</summary>
    public int Channels { get; } = container.Channels(options);

    /// <summary>Height and width of a level.</summary>
    public (long Height, long Width) Size(int level) => (Info.Levels[level].Height, Info.Levels[level].Width);

    /// <summary>The first level that has no more positions than so many; null where none has so few.</summary>
    public int? LevelWithin(double positions) => Info.Levels.Index()
        .Where(one => (double)one.Item.Height * one.Item.Width <= positions).Select(one => (int?)one.Index).FirstOrDefault();

    /// <summary>Reads a window of a level: [1, C, height, width], bytes or float32, of the current scope.</summary>
    public Tensor Read(int level, ImageRegion region)
    {
        var source = sources[level] ??= ImageSource.Open(container, options with
        {
            Level = level,
            Downsample = null,
            MicrometresPerPixel = null,
            Crop = null,
        });
        var window = source.Read(region.Top, region.Left, region.Height, region.Width);
        return window.dtype is ScalarType.Byte or ScalarType.Float32 ? window.contiguous() : window.to(ScalarType.Float32).contiguous();
    }

    public void Dispose()
    {
        foreach (var source in sources)
            source?.Dispose();
    }
}
