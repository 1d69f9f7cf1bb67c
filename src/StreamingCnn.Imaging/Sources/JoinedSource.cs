using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Sources of one size as one source, with the channels of each behind those of the one before.</summary>
internal sealed class JoinedSource : IImageSource
{
    private readonly IReadOnlyList<IImageSource> parts;

    /// <param name="parts">The sources, all of one size; owned from then on.</param>
    public JoinedSource(IReadOnlyList<IImageSource> parts)
    {
        this.parts = parts;
        Channels = parts.Sum(part => part.Channels);
    }

    public int Channels { get; }

    public long Height => parts[0].Height;

    public long Width => parts[0].Width;

    /// <summary>Opens parts one by one and joins them; where one cannot be opened, all are closed.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="count">Number of parts.</param>
    /// <param name="open">Opens a part.</param>
    /// <exception cref="ImageFormatException">Parts are of several sizes.</exception>
    public static JoinedSource Open(string path, int count, Func<int, IImageSource> open)
    {
        var parts = new List<IImageSource>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                parts.Add(open(i));
                if (parts[i].Height != parts[0].Height || parts[i].Width != parts[0].Width)
                {
                    throw new ImageFormatException(
                        path,
                        $"channel {i} has {parts[i].Height} x {parts[i].Width} pixels (height x width), but the first "
                            + $"{parts[0].Height} x {parts[0].Width}, so they cannot be joined; read one page alone.");
                }
            }

            return new JoinedSource(parts);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        return cat(parts.Select(part => part.Read(top, left, height, width)).ToList(), 1).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var part in parts)
            part.Dispose();
    }
}
