using System.Globalization;
using System.Text;

namespace StreamingCnn;

/// <summary>What a streamed step would do, and what it would cost.</summary>
public sealed record TilePlan
{
    /// <summary>Height and width of the image in pixels.</summary>
    public required (long Height, long Width) Image { get; init; }

    /// <summary>Height and width of a tile in image pixels.</summary>
    public required (long Height, long Width) Tile { get; init; }

    /// <summary>Rows and columns of tiles, those beyond the image's border included, in which late layers complete their maps.</summary>
    public required (int Rows, int Columns) Grid { get; init; }

    /// <summary>Height and width of each output.</summary>
    public required IReadOnlyList<(long Height, long Width)> Outputs { get; init; }

    /// <summary>Exactly once or overlapping.</summary>
    public required StreamingMode Mode { get; init; }

    /// <summary>Bytes of the parameters and of their gradients.</summary>
    public required long ParameterBytes { get; init; }

    /// <summary>Bytes carried between tiles and kept for the backward pass.</summary>
    public required long CarryBytes { get; init; }

    /// <summary>Estimated bytes of the largest tile's activations and their gradients in the backward pass.</summary>
    public required long TileBytes { get; init; }

    /// <summary>Bytes of all feature maps, as conventional backpropagation keeps them.</summary>
    public required long WholeBytes { get; init; }

    /// <summary>
    /// Values computed in a forward pass, divided by the number of values in all maps: 1 when every value is computed once, more where
    /// overlapping tiles repeat them.
    /// </summary>
    public required double ComputedOnceRatio { get; init; }

    /// <summary>Estimated bytes of a training step, the outputs, the image and the base process left out.</summary>
    public long StepBytes => ParameterBytes + CarryBytes + TileBytes;

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line("image", $"{Image.Height} x {Image.Width} px");
        Line("tile", $"{Tile.Height} x {Tile.Width} px, {Mode}");
        Line("grid", $"{Grid.Rows} x {Grid.Columns} tiles");
        Line("output", string.Join(", ", Outputs.Select(output => $"{output.Height} x {output.Width}")));
        Line("parameters", Mebibytes(ParameterBytes) + " with gradients");
        Line("carry", Mebibytes(CarryBytes));
        Line("one tile", Mebibytes(TileBytes));
        Line("step", Mebibytes(StepBytes));
        Line("all maps", Mebibytes(WholeBytes) + " (conventional backpropagation)");
        return text.ToString();

        void Line(string name, string value) => text.Append(CultureInfo.InvariantCulture, $"{name,-11}{value}\n");
    }

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
