namespace StreamingCnn;

/// <summary>How a trunk is streamed.</summary>
public enum StreamingMode
{
    /// <summary>Every value of every feature map is computed exactly once per pass; tiles carry a few rows and columns from one to the next.</summary>
    ExactlyOnce,

    /// <summary>
    /// Tiles overlap by the forward halo and know nothing of each other. Slower, but also for modules that the engine cannot see into.
    /// </summary>
    Overlap,
}

/// <summary>Settings of a <see cref="StreamingModule"/>.</summary>
public sealed record StreamingOptions
{
    /// <summary>Height and width of a tile in image pixels, at least 1. Any size gives the same results; larger tiles take more memory.</summary>
    /// <value>The default value is null: chosen from <see cref="MemoryBudget"/>.</value>
    public (int Height, int Width)? Tile { get; init; }

    /// <summary>
    /// Bytes that a step may take for parameters and their gradients, outputs, carry and activations; image and base process come on top. What is left over by tiles is used to
    /// compute less again in the backward pass; where <see cref="Tile"/> is given, that is all that it is used for.
    /// </summary>
    /// <value>The default value is null: three quarters of what the machine has free.</value>
    public long? MemoryBudget { get; init; }

    /// <summary>Exactly once, or overlapping tiles.</summary>
    /// <value>The default value is <see cref="StreamingMode.ExactlyOnce"/>.</value>
    public StreamingMode Mode { get; init; }

    /// <summary>
    /// Use the running statistics of BatchNorm2d layers in training mode as well. Off, since it changes the result wherever the
    /// batch's own statistics differ from the running ones; their weight and bias are trained either way.
    /// </summary>
    /// <value>The default value is false: a BatchNorm2d in training mode is refused.</value>
    public bool FrozenBatchNorm { get; init; }

    /// <summary>
    /// The type that feature maps are computed in. <see cref="ComputePrecision.BFloat16"/> changes the result: of a ResNet-34's output and gradients by about ERR of their largest entry.
    /// </summary>
    /// <value>The default value is <see cref="ComputePrecision.Parameters"/>, which changes nothing.</value>
    public ComputePrecision Compute { get; init; }

    /// <summary>Where what tiles leave for one another waits for the backward pass.</summary>
    /// <value>The default value is <see cref="CarryPlace.Device"/>.</value>
    public CarryPlace Carry { get; init; }

    /// <summary>The folder for the temporary file of <see cref="CarryPlace.File"/>; made where it does not exist. The file goes when the backward pass is done.</summary>
    /// <value>The default value is null: the system's temporary folder.</value>
    public string? CarryFolder { get; init; }

    /// <summary>Told of every tile that is done, on the thread that runs it.</summary>
    /// <value>The default value is null.</value>
    public IProgress<TileProgress>? Progress { get; init; }

    /// <summary>From which stride on maps advance with every few tiles only, and with how many, where the planner is not to choose.</summary>
    internal (int Stride, int Period)? LateMaps { get; init; }

    /// <summary>Counts where the time of every step goes, in <see cref="StreamingMode.ExactlyOnce"/> and where the engine sees into the module.</summary>
    /// <value>The default value is null: nothing is counted.</value>
    public StepProfile? Profile { get; init; }

    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    internal void Validate()
    {
        var problems = new List<string>();
        if (Tile is { } tile && (tile.Height < 1 || tile.Width < 1))
            problems.Add($"Tile is {tile.Height} x {tile.Width}, but must be at least 1 x 1 pixels");
        if (MemoryBudget is <= 0)
            problems.Add($"MemoryBudget is {MemoryBudget}, but must be a positive number of bytes");
        if (!Enum.IsDefined(Mode))
            problems.Add($"Mode is {(int)Mode}, which is no StreamingMode");
        if (!Enum.IsDefined(Compute))
            problems.Add($"Compute is {(int)Compute}, which is no ComputePrecision");
        if (!Enum.IsDefined(Carry))
            problems.Add($"Carry is {(int)Carry}, which is no CarryPlace");
        if (CarryFolder is not null && Carry != CarryPlace.File)
            problems.Add($"CarryFolder is '{CarryFolder}', but Carry is {Carry}; set it to {CarryPlace.File}, or leave out the folder");
        if (problems.Count > 0)
            throw new ArgumentException($"The streaming options cannot be used: {string.Join("; ", problems)}.");
    }
}
