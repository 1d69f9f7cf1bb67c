using System.Globalization;
using System.Text;

namespace StreamingCnn;

/// <summary>What a streamed step would do, and what it would cost.</summary>
public sealed record TilePlan
{
    private readonly Lazy<string> explanation = new(() => "");
    private readonly Lazy<(double Step, double Whole)> times = new(() => (double.NaN, double.NaN));
    private readonly double? seconds;
    private readonly double? wholeSeconds;

    /// <summary>Height and width of the image in pixels; of several inputs, those of the largest, which tiles are counted in.</summary>
    public required (long Height, long Width) Image { get; init; }

    /// <summary>Height and width of a tile in image pixels.</summary>
    public required (long Height, long Width) Tile { get; init; }

    /// <summary>Rows and columns of tiles, those beyond the image's border included, in which late layers complete their maps.</summary>
    public required (int Rows, int Columns) Grid { get; init; }

    /// <summary>
    /// Maps from these strides on wait for several tiles and advance in so many steps along rows and columns; the larger the stride, the
    /// fewer. Empty where all maps advance with every tile.
    /// </summary>
    public IReadOnlyList<(int Stride, int Rows, int Columns)> LateMaps { get; init; } = [];

    /// <summary>Height and width of each output.</summary>
    public required IReadOnlyList<(long Height, long Width)> Outputs { get; init; }

    /// <summary>Exactly once or overlapping.</summary>
    public required StreamingMode Mode { get; init; }

    /// <summary>Bytes of the parameters and of their gradients.</summary>
    public required long ParameterBytes { get; init; }

    /// <summary>Bytes of the outputs and of their gradients.</summary>
    public required long OutputBytes { get; init; }

    /// <summary>
    /// Processes that share the image; bytes are then those of one with most columns of tiles, and seconds those of all together, without
    /// what messages take.
    /// </summary>
    public int Processes { get; init; } = 1;

    /// <summary>
    /// Bytes that a row of tiles leaves for another process in the forward pass, the most of any; as much goes back of gradients.
    /// </summary>
    public long RowMessageBytes { get; init; }

    /// <summary>The same of all rows, and of all stages where there are several.</summary>
    public long MessageBytes { get; init; }

    /// <summary>
    /// Sweeps over the tiles, one after the other: 1, and more where layers look at whole maps. <see cref="Tile"/> and <see cref="Grid"/>
    /// are then those of the first.
    /// </summary>
    public int Stages { get; init; } = 1;

    /// <summary>
    /// Bytes of maps that wait between stages and of their gradients, as far as they are on the device, on their way to where they wait,
    /// or on their way back.
    /// </summary>
    public long MapBytes { get; init; }

    /// <summary>
    /// Bytes of maps between stages and of their gradients that wait in the host's memory or in a file at a time; see
    /// <see cref="StreamingOptions.BoundaryMaps"/>.
    /// </summary>
    public long MapElsewhereBytes { get; init; }

    /// <summary>
    /// Bytes carried between tiles and kept for the backward pass, as far as they are on the device, and of the gradients that wait for
    /// their tile in the backward pass.
    /// </summary>
    public required long CarryBytes { get; init; }

    /// <summary>
    /// Bytes carried that wait for the backward pass in the host's memory or in a file; see <see cref="StreamingOptions.Carry"/>.
    /// </summary>
    public required long CarryElsewhereBytes { get; init; }

    /// <summary>
    /// Estimated bytes of the largest tile's activations and their gradients in the backward pass; or of the gradients of parameters on
    /// their way to autograd, where these take more.
    /// </summary>
    public required long TileBytes { get; init; }

    /// <summary>Bytes kept besides from the forward pass, so that less is computed again.</summary>
    public required long KeptBytes { get; init; }

    /// <summary>Estimated bytes of a conventional step over the whole image.</summary>
    public required long WholeBytes { get; init; }

    /// <summary>
    /// Share of the forward pass's time that the backward pass takes to compute again what was not kept, in [0, 1]; by the rates that
    /// plans are chosen with.
    /// </summary>
    public required double Recomputed { get; init; }

    /// <summary>
    /// Estimated seconds of a step after the first, from short measurements of this machine's processor with the threads in use; for
    /// another device they say nothing. The machine is measured when they are first asked for: see <see cref="MachineSpeed"/>.
    /// </summary>
    public double Seconds
    {
        get => seconds ?? times.Value.Step;
        init => seconds = value;
    }

    /// <summary>The same of a conventional step over the whole image, if memory sufficed for it.</summary>
    public double WholeSeconds
    {
        get => wholeSeconds ?? times.Value.Whole;
        init => wholeSeconds = value;
    }

    /// <summary>Finds out <see cref="Seconds"/> and <see cref="WholeSeconds"/>, when they are asked for.</summary>
    internal Func<(double Step, double Whole)> Times
    {
        init => times = new(value, LazyThreadSafetyMode.PublicationOnly);
    }

    /// <summary>
    /// Share of the multiplications and additions that is done, in [0, 1], where images say which positions count; the rest is left out.
    /// Bytes are those of a step over everything.
    /// </summary>
    public double AskedFor { get; init; } = 1;

    /// <summary>Estimated time of a step, divided by that of a conventional step over the whole image.</summary>
    public double TimeRatio => Seconds / WholeSeconds;

    /// <summary><see cref="TimeRatio"/> with two decimals, or "less than 0.01" where rounding would make it nothing.</summary>
    public string TimeRatioText => TimeRatio < 0.005 ? "less than 0.01" : TimeRatio.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>
    /// Values computed in a forward pass, divided by the number of values in all maps: 1 when every value is computed once, more where
    /// overlapping tiles repeat them.
    /// </summary>
    public required double ComputedOnceRatio { get; init; }

    /// <summary>Estimated bytes of a training step, the image and the base process left out.</summary>
    public long StepBytes => ParameterBytes + OutputBytes + MapBytes + CarryBytes + TileBytes + KeptBytes;

    /// <summary>
    /// What the tiles do, as text: for each kind of tile how many there are, and their instructions forwards and backwards with the bytes
    /// alive behind each. It is written when first asked for, and may be long.
    /// </summary>
    public string Explanation => explanation.Value;

    /// <summary>Writes the explanation.</summary>
    internal Func<string> Explaining
    {
        init => explanation = new(value, LazyThreadSafetyMode.PublicationOnly);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line("image", $"{Image.Height} x {Image.Width} px");
        var late = string.Concat(LateMaps.Select(late => $"; maps from stride {late.Stride} on in {late.Rows} x {late.Columns} steps"));
        Line(
            "tile",
            $"{Tile.Height} x {Tile.Width} px, {(Mode == StreamingMode.Overlap ? "overlapping" : "each value computed once")}{late}");
        Line("grid", $"{Grid.Rows} x {Grid.Columns} tiles");
        if (Processes > 1)
        {
            Line(
                "processes",
                $"{Processes}; bytes are those of one. {Mebibytes(RowMessageBytes)} a row of tiles go to the next, {Mebibytes(MessageBytes)} in all, and back");
        }

        if (Stages > 1)
            Line("stages", string.Create(CultureInfo.InvariantCulture, $"{Stages}; tile and grid are those of the first"));
        Line("output", string.Join(", ", Outputs.Select(output => $"{output.Height} x {output.Width}")));
        Line("parameters", Mebibytes(ParameterBytes) + " with gradients");
        Line("outputs", Mebibytes(OutputBytes) + " with gradients");
        if (Stages > 1)
        {
            Line(
                "maps",
                Mebibytes(MapBytes) + " between stages"
                + (MapElsewhereBytes > 0 ? $"; {Mebibytes(MapElsewhereBytes)} in all, elsewhere" : ""));
        }

        Line("carry", Mebibytes(CarryBytes) + (CarryElsewhereBytes > 0 ? $"; {Mebibytes(CarryElsewhereBytes)} in all, elsewhere" : ""));
        Line("one tile", Mebibytes(TileBytes));
        Line(
            "kept", Mebibytes(KeptBytes) + string.Create(
                CultureInfo.InvariantCulture, $"; {Recomputed:0 %} of the forward pass is computed again"));
        if (AskedFor < 1)
            Line("asked for", string.Create(CultureInfo.InvariantCulture, $"{AskedFor:0 %} of the operations; what nothing that counts reads is left out"));
        Line("step", Mebibytes(StepBytes));
        Line("whole", Mebibytes(WholeBytes) + " (conventional backpropagation)");
        Line("time", string.Create(CultureInfo.InvariantCulture, $"about {Rounded(Seconds)} s; {TimeRatioText} of a conventional step"));
        return text.ToString();

        void Line(string name, string value) => text.Append(CultureInfo.InvariantCulture, $"{name,-11}{value}\n");
    }

    // An estimate: milliseconds of a step that takes minutes would say more than is known.
    private static string Rounded(double seconds) => seconds < 0.001
        ? "0.001"
        : seconds.ToString(seconds >= 100 ? "0" : seconds >= 1 ? "0.0" : "0.0##", CultureInfo.InvariantCulture);

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
