using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Vectors of features, one of each image, as a NumPy array (images, channels) of float32, and beside it a table of the images in the
/// order of its rows. Each row is written when it comes.
/// </summary>
public sealed class FeatureTable : IDisposable
{
    private readonly string path;
    private readonly NumpyWriter writer;
    private readonly StringBuilder images = new("row,image\n");
    private long channels;

    /// <summary>Begins the array.</summary>
    /// <param name="path">The array, such as <c>features.npy</c>; the table has the same name and ends with <c>.csv</c>.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public FeatureTable(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        (this.path, writer) = (path, new(path));
    }

    /// <summary>Images that have come.</summary>
    public long Count { get; private set; }

    /// <summary>Writes a vector.</summary>
    /// <param name="image">The image that it is of.</param>
    /// <param name="vector">[1, C] or [C], as many numbers as of the images before.</param>
    /// <exception cref="ArgumentException">There are other channels than before.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string image, Tensor vector)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(vector);
        using var scope = NewDisposeScope();
        if (Count > 0 && vector.numel() != channels)
            throw new ArgumentException($"The vector of '{image}' has {vector.numel()} numbers, and those before it {channels}.");
        channels = vector.numel();
        writer.Write(vector.detach().to(ScalarType.Float32).cpu().flatten().contiguous().bytes);
        var quoted = image.AsSpan().ContainsAny(",\"\n") ? $"\"{image.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : image;
        images.Append(CultureInfo.InvariantCulture, $"{Count++},{quoted}\n");
    }

    /// <summary>Gives the files their names.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Complete()
    {
        AtomicFile.Write(Path.ChangeExtension(path, ".csv"), file => file.Write(Encoding.UTF8.GetBytes(images.ToString())));
        writer.Complete(Count, channels);
    }

    /// <summary>Removes what was not completed.</summary>
    public void Dispose() => writer.Dispose();
}
