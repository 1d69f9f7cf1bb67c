using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Imaging.Maps;

/// <summary>Writes numbers of 32 bits one after the other as a NumPy array, whose first axis may be known only in the end.</summary>
internal sealed class NumpyWriter : IDisposable
{
    // Magic, version and length before the header's text; all of it is filled up to a multiple of 64.
    private const int Prefix = 10;
    private const int HeaderBytes = 128;

    private readonly string path;
    private readonly string part;
    private readonly FileStream file;
    private bool isComplete;

    /// <summary>Begins the file.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public NumpyWriter(string path)
    {
        (this.path, part) = (path, AtomicFile.TemporaryName(path));
        file = Try(() => new FileStream(part, FileMode.CreateNew));
        Write(new byte[HeaderBytes]);
    }

    /// <summary>Writes numbers as this machine has them.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> numbers)
    {
        try
        {
            file.Write(numbers);
        }
        catch (IOException error)
        {
            throw Named(error);
        }
    }

    /// <summary>Says what has been written, and gives the file its name.</summary>
    /// <param name="shape">Lengths of the axes, whose product is the count of the numbers.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete(params IReadOnlyList<long> shape) => Try(() =>
    {
        var axes = string.Join(", ", shape.Select(length => length.ToString(CultureInfo.InvariantCulture)));
        var text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}{(shape.Count == 1 ? "," : "")}), }}"
            .PadRight(HeaderBytes - Prefix - 1) + "\n";
        file.Position = 0;
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, HeaderBytes - Prefix, 0]);
        file.Write(Encoding.ASCII.GetBytes(text));
        file.Flush(flushToDisk: true);
        file.Dispose();
        File.Move(part, path, overwrite: true);
        return isComplete = true;
    });

    /// <summary>Removes the file where it was not completed.</summary>
    public void Dispose()
    {
        file.Dispose();
        if (!isComplete)
            File.Delete(part);
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
        var reason = error.Message.Replace(Path.GetFullPath(part), path, StringComparison.Ordinal).TrimEnd('.');
        return new($"'{path}' cannot be written: {reason}.", error);
    }
}
