using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// A map of features as a NumPy array (height, width, channels) of float32, and beside it a table of where each position lies in the image
/// file. Rows are written as they are complete.
/// </summary>
public sealed class FeatureFile : IMapSink, IDisposable
{
    private readonly string path;
    private readonly string table;
    private readonly string unfinished;
    private readonly MapPlace place;
    private readonly (long Height, long Width) image;
    private readonly RowSink rows;
    private NumpyWriter? writer;
    private StreamWriter? coordinates;
    private long received;

    /// <summary>Creates the sink.</summary>
    /// <param name="path">The array, such as <c>slide.features.npy</c>; the table has the same name and ends with <c>.csv</c>.</param>
    /// <param name="place">Where the image that the network reads lies in the image file.</param>
    /// <param name="height">Rows of the image that the network reads.</param>
    /// <param name="width">Its columns.</param>
    public FeatureFile(string path, MapPlace place, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(place);
        (this.path, this.place, image) = (path, place, (height, width));
        table = Path.ChangeExtension(path, ".csv");
        unfinished = AtomicFile.TemporaryName(table);
        rows = new RowSink(HandOut);
    }

    /// <summary>Height, width and channels of the map; known once it has begun.</summary>
    public (long Height, long Width, long Channels) Shape => (rows.Shape.Height, rows.Shape.Width, rows.Shape.Channels);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are several images.</exception>
    /// <exception cref="IOException">A file cannot be made.</exception>
    public void Begin(long batch, long channels, long height, long width)
    {
        if (batch != 1)
            throw new ArgumentException($"A file of features is of one image, and not of {batch}.");
        rows.Begin(batch, channels, height, width);
        writer?.Dispose();
        writer = new(path);
        try
        {
            coordinates?.Dispose();
            coordinates = new StreamWriter(unfinished, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            coordinates.Write("row,column,x,y,map x,map y\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Named(error);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        rows.Write(top, left, values.to(ScalarType.Float32).cpu());
    }

    /// <summary>Gives the files their names, behind the last rectangle.</summary>
    /// <exception cref="InvalidOperationException">Rows are missing.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Complete()
    {
        if (writer is null || received != rows.Shape.Height)
            throw new InvalidOperationException($"Only {received} of {rows.Shape.Height} rows of features have come.");
        writer.Complete(rows.Shape.Height, rows.Shape.Width, rows.Shape.Channels);
        try
        {
            coordinates!.Dispose();
            File.Move(unfinished, table, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Named(error);
        }
    }

    /// <summary>Removes the files where they were not completed.</summary>
    public void Dispose()
    {
        rows.Dispose();
        writer?.Dispose();
        coordinates?.Dispose();
        File.Delete(unfinished);
    }

    private void HandOut(long top, Tensor part)
    {
        using var scope = NewDisposeScope();
        // Channels of a position side by side.
        writer!.Write(part[0].permute(1, 2, 0).contiguous().bytes);
        var (across, down) = ((double)image.Width / rows.Shape.Width, (double)image.Height / rows.Shape.Height);
        var ground = place.GeoReference is { IsAffine: true } known ? known : null;
        for (var row = top; row < top + part.shape[2]; row++)
        {
            for (var column = 0; column < rows.Shape.Width; column++)
            {
                // The edges of the map are those of the image, and a position is told by its middle.
                var (x, y) = place.InFile((column + 0.5) * across, (row + 0.5) * down);
                coordinates!.Write(string.Create(CultureInfo.InvariantCulture, $"{row},{column},{Math.Round(x, 3)},{Math.Round(y, 3)},"));
                var (east, north) = ground?.ToMap(x, y) ?? default;
                coordinates.Write(ground is null
                    ? ",\n"
                    : string.Create(CultureInfo.InvariantCulture, $"{Math.Round(east, 9)},{Math.Round(north, 9)}\n"));
            }
        }

        received += part.shape[2];
    }

    private IOException Named(Exception error)
    {
        var reason = error.Message.Replace(Path.GetFullPath(unfinished), table, StringComparison.Ordinal).TrimEnd('.');
        return new($"'{table}' cannot be written: {reason}.", error);
    }
}
