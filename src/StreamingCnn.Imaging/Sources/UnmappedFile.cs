using Microsoft.Win32.SafeHandles;
using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>
/// A file that libvips reads by asking for bytes. Left to itself it maps JPEG, WebP and GIF files into memory, and
/// where a mapped file is cut short, the system ends the process that touches it.
/// </summary>
internal sealed class UnmappedFile : SourceCustom
{
    private const int Failed = -1;

    private readonly SafeFileHandle file;
    private long position;

    /// <param name="path">The file.</param>
    /// <exception cref="ImageFormatException">It cannot be opened.</exception>
    public UnmappedFile(string path)
    {
        try
        {
            file = File.OpenHandle(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ImageFormatException.Unreadable(path, error);
        }

        OnRead += Read;
        OnSeek += Seek;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            file.Dispose();
    }

    // No exception may go through libvips, which would end the process.
    private int Read(byte[] buffer, int length)
    {
        try
        {
            var got = RandomAccess.Read(file, buffer.AsSpan(0, length), position);
            position += got;
            return got;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            return Failed;
        }
    }

    private long Seek(long offset, SeekOrigin origin)
    {
        try
        {
            var start = origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => position, _ => RandomAccess.GetLength(file) };
            return position = offset + start;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            return Failed;
        }
    }
}
