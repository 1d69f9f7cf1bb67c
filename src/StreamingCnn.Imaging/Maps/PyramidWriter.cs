using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Writes a map row by row as a pyramid of tiles in a TIFF file (BigTIFF from 4 GB on), compressed without loss. Of each level one row of
/// tiles is in memory.
/// </summary>
/// <remarks>The file is written under a temporary name beside the final one, which it gets when it is complete.</remarks>
public sealed class PyramidWriter : IDisposable
{
    // What tiles' places and a few texts take, at most.
    private const long BytesOfATile = 32;
    private const long BytesOfTexts = 1 << 20;

    private readonly string path;
    private readonly string part;
    private readonly FileStream file;
    // One for all tiles: buffers of this size are collected late, and would pile up.
    private readonly MemoryStream packed = new();
    private readonly PyramidLevel level;
    private readonly int rowBytes;
    private bool isComplete;

    /// <summary>Begins the file.</summary>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="image">What is written.</param>
    /// <exception cref="ArgumentException">What is written is not of one piece.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public PyramidWriter(string path, MapImage image)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(image);
        image.Check();
        (this.path, part) = (path, AtomicFile.TemporaryName(path));
        rowBytes = checked((int)(image.Width * image.PositionBytes));
        file = Try(() => new FileStream(part, FileMode.CreateNew));
        level = new(image, image.Height, image.Width, file, packed);
        file.Write(new byte[TiffPage.HeaderBytes]);
    }

    /// <summary>Writes the next row or rows.</summary>
    /// <param name="rows">Their bytes, row by row, channels of a position side by side; numbers as this machine has them.</param>
    /// <exception cref="ArgumentException">These are no whole rows, or more than there are.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> rows)
    {
        var count = rows.Length / rowBytes;
        if (rows.Length % rowBytes != 0 || level.Received + count > level.Height)
        {
            throw new ArgumentException(
                $"{rows.Length} bytes are no rows of {rowBytes}, or more than the {level.Height - level.Received} rows that are left.",
                nameof(rows));
        }

        try
        {
            for (var row = 0; row < count; row++)
                level.Write(rows.Slice(row * rowBytes, rowBytes));
        }
        catch (IOException error)
        {
            throw Named(error);
        }
    }

    /// <summary>Writes what is left, and gives the file its name.</summary>
    /// <exception cref="InvalidOperationException">Rows are missing.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete()
    {
        if (level.Received != level.Height)
            throw new InvalidOperationException($"Only {level.Received} of {level.Height} rows have been written.");
        Try(() =>
        {
            var pages = level.Pages().ToArray();
            var isBig = file.Position + pages.Sum(page => page.Offsets.Count * BytesOfATile) + BytesOfTexts > uint.MaxValue;
            Align();
            var first = file.Position;
            foreach (var page in pages)
                file.Write(page.Directory(file.Position, isLast: page == pages[^1], isBig));
            file.Position = 0;
            file.Write(TiffPage.FileHeader(first, isBig));
            file.Flush(flushToDisk: true);
            file.Dispose();
            File.Move(part, path, overwrite: true);
            isComplete = true;
            return true;
        });
    }

    /// <summary>Removes the file where it was not completed.</summary>
    public void Dispose()
    {
        file.Dispose();
        packed.Dispose();
        if (!isComplete)
            File.Delete(part);
    }

    private void Align()
    {
        const int Word = sizeof(long);
        var over = (int)(file.Position % Word);
        if (over > 0)
            file.Write(new byte[Word - over]);
    }

    private T Try<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Named(error);
        }
    }

    /// <summary>The temporary name is not what was asked for.</summary>
    private IOException Named(Exception error)
    {
        var reason = error is DirectoryNotFoundException
            ? $"there is no folder '{Path.GetDirectoryName(Path.GetFullPath(path))}'"
            : error.Message.Replace(Path.GetFullPath(part), path, StringComparison.Ordinal).TrimEnd('.');
        return new($"'{path}' cannot be written: {reason}.", error);
    }
}
