using System.Globalization;
using StreamingCnn.Distributed;

namespace StreamingCnn;

/// <summary>How a trunk is streamed.</summary>
public enum StreamingMode
{
    /// <summary>
    /// Every value of every feature map is computed exactly once per pass; tiles carry a few rows and columns from one to the next.
    /// </summary>
    ExactlyOnce,

    /// <summary>
    /// Tiles overlap by the forward halo and know nothing of each other. Slower, but also for modules that the engine cannot see into.
    /// </summary>
    Overlap,
}

/// <summary>Settings of a <see cref="StreamingModule"/>.</summary>
public sealed record StreamingOptions
{
    /// <summary>
    /// Height and width of a tile in image pixels, at least 1. Any size gives the same results; larger tiles take more memory for
    /// activations, smaller ones more for the carry.
    /// </summary>
    /// <value>The default value is null: chosen from <see cref="MemoryBudget"/>.</value>
    public (int Height, int Width)? Tile { get; init; }

    /// <summary>
    /// Bytes that a step may take for parameters and their gradients, outputs, carry and activations; image and base process come on top.
    /// What is left over by tiles is used to compute less again in the backward pass. Where <see cref="Tile"/> is given, that and late
    /// layers that wait for several tiles may take it, and a tile that does not fit into it is run all the same.
    /// </summary>
    /// <value>
    /// The default value is null: <see cref="DefaultMemoryBudget"/>, or as much of the memory of a GPU that the trunk is on, as it is when the
    /// module runs its first image.
    /// </value>
    public long? MemoryBudget { get; init; }

    /// <summary>
    /// Three quarters of the memory that is free now on the machine, or in the container that this process runs in, in bytes. On other
    /// systems than Linux what other processes hold is not seen.
    /// </summary>
    public static long DefaultMemoryBudget
    {
        get
        {
            var allowed = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return Math.Max(Math.Min(allowed - Environment.WorkingSet, FreeOnMachine()), allowed / 8) / 4 * 3;
        }
    }

    /// <summary>Whether taught layers are believed, for a comparison that is to find out whether they are right.</summary>
    internal bool TrustsLayers { get; init; }

    /// <summary>Exactly once, or overlapping tiles.</summary>
    /// <value>The default value is <see cref="StreamingMode.ExactlyOnce"/>.</value>
    public StreamingMode Mode { get; init; }

    /// <summary>
    /// Use the running statistics of BatchNorm2d layers in training mode as well. Off, since it changes the result wherever the
    /// batch's own statistics differ from the running ones; their weight and bias are trained either way.
    /// </summary>
    /// <value>The default value is false: a BatchNorm2d in training mode takes the statistics of the images of the call.</value>
    public bool FrozenBatchNorm { get; init; }

    /// <summary>
    /// The type that feature maps are computed in. <see cref="ComputePrecision.BFloat16"/> changes the result: a ResNet-34's output by
    /// about 1 %, its gradients by about 2 % (root of the mean squared difference).
    /// </summary>
    /// <value>The default value is <see cref="ComputePrecision.Parameters"/>, which changes nothing.</value>
    public ComputePrecision Compute { get; init; }

    /// <summary>
    /// Whether maps lie in memory position by position, with all channels of each, rather than channel by channel as PyTorch's do unless
    /// asked otherwise. Results are the same to rounding; those of an ordinary run in the same order are nearest, often to the last bit.
    /// </summary>
    /// <value>The default value is null: what is faster, which is true for float32 and bfloat16 on a processor.</value>
    public bool? ChannelsLast { get; init; }

    /// <summary>Where what tiles leave for one another waits for its readers, in training for the backward pass as well.</summary>
    /// <value>The default value is <see cref="CarryPlace.Device"/>.</value>
    public CarryPlace Carry { get; init; }

    /// <summary>
    /// Where the maps of a network that looks at whole maps (norms of a batch, of groups or of an image, gates, pooling) wait for the
    /// stages that read them, and in training for the backward pass, as well as their gradients. Windows of them are written and read in
    /// the background while tiles are computed. Other networks have no such maps.
    /// </summary>
    /// <value>The default value is null: on the device where that fits into the budget, else in a file.</value>
    public CarryPlace? BoundaryMaps { get; init; }

    /// <summary>
    /// The folder for the temporary files of <see cref="CarryPlace.File"/>, those of the carry and of <see cref="BoundaryMaps"/>; made
    /// where it does not exist. The files go when the backward pass is done, or the forward pass where none follows.
    /// </summary>
    /// <value>The default value is null: the system's temporary folder.</value>
    public string? CarryFolder { get; init; }

    /// <summary>
    /// The processes that share every image: each runs a stripe of tile columns and holds its part of all that waits. All of them make the
    /// same module, call it at the same time with the same images, and get the same outputs and gradients, those of one process to
    /// rounding; sinks get the stripe's rectangles alone (<see cref="GatheredSink"/> joins them), and <see cref="ImageGradientRows"/> its
    /// part of the sum. The communicator is the engine's while it runs.
    /// </summary>
    /// <value>The default value is null: this process has every image alone.</value>
    public ICommunicator? SplitOver { get; init; }

    /// <summary>
    /// The processes that run images of their own at the same time, and whose BatchNorm2d layers in training mode take the statistics of
    /// all of these together, weighted by positions (synchronised batch norm). Outputs and running statistics are those of one process that
    /// has all the images in one batch; its gradients are the sum of all processes' gradients. All of them call the same modules in the
    /// same order. <see cref="FirstRanks"/> is for rounds in which some have no image.
    /// </summary>
    /// <value>The default value is null: each process's own images.</value>
    public ICommunicator? SyncBatchNormOver { get; init; }

    /// <summary>How many processes share every image.</summary>
    internal int Processes => SplitOver?.Size ?? 1;

    /// <summary>How many of them compute at once, as far as plans know.</summary>
    internal int Processors => SplitOver is PlannedRanks planned ? planned.Processors : Processes;

    /// <summary>Which of them this one is.</summary>
    internal int Process => SplitOver?.Rank ?? 0;

    /// <summary>Told of every tile that is done, on the thread that runs it.</summary>
    /// <value>The default value is null.</value>
    public IProgress<TileProgress>? Progress { get; init; }

    /// <summary>
    /// Which maps of a network that looks at whole maps may wait between stages, by their place in the trace, where the planner is not to
    /// choose; others are computed again.
    /// </summary>
    internal Func<int, bool>? MayWait { get; init; }

    /// <summary>
    /// From which strides on maps advance with every few tiles only, and with how many, where the planner is not to choose.
    /// </summary>
    internal IReadOnlyList<(int Stride, int Period)>? LateMaps { get; init; }

    /// <summary>Whether the host's memory is another place than a processor's own: carrying there can be tried without a device.</summary>
    internal bool HostIsElsewhere { get; init; }

    /// <summary>
    /// Counts where the time of every step goes, in <see cref="StreamingMode.ExactlyOnce"/> and where the engine sees into the module.
    /// </summary>
    /// <value>The default value is null: nothing is counted.</value>
    public StepProfile? Profile { get; init; }

    /// <summary>What Linux says of the machine's memory, in bytes; a number larger than any on other systems.</summary>
    private static long FreeOnMachine()
    {
        const string System = "/proc/meminfo", Free = "MemAvailable:";
        var line = File.Exists(System) ? File.ReadLines(System)
            .FirstOrDefault(line => line.StartsWith(Free, StringComparison.Ordinal)) : null;
        return line is not null
            && long.TryParse(
                line[Free.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var kibibytes)
            ? kibibytes << 10
            : long.MaxValue;
    }

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
        if (SplitOver is { Size: > 1 } && Mode == StreamingMode.Overlap)
            problems.Add($"SplitOver has {SplitOver.Size} processes, but Mode is {Mode}, whose tiles are not shared; set it to {StreamingMode.ExactlyOnce}, or let each process run images of its own");
        if (SplitOver is { Size: > 1 } && SyncBatchNormOver is { Size: > 1 })
            problems.Add($"SplitOver has {SplitOver.Size} processes and SyncBatchNormOver {SyncBatchNormOver.Size}, but processes either share every image or have images of their own; leave one of them null");
        if (!Enum.IsDefined(Compute))
            problems.Add($"Compute is {(int)Compute}, which is no ComputePrecision");
        if (!Enum.IsDefined(Carry))
            problems.Add($"Carry is {(int)Carry}, which is no CarryPlace");
        if (BoundaryMaps is { } maps && !Enum.IsDefined(maps))
            problems.Add($"BoundaryMaps is {(int)maps}, which is no CarryPlace");
        if (CarryFolder is not null && Carry != CarryPlace.File && (BoundaryMaps ?? CarryPlace.File) != CarryPlace.File)
            problems.Add($"CarryFolder is '{CarryFolder}', but Carry is {Carry} and BoundaryMaps is {BoundaryMaps}; set one of them to {CarryPlace.File}, or leave out the folder");
        if (problems.Count > 0)
            throw new ArgumentException($"The streaming options cannot be used: {string.Join("; ", problems)}.");
    }
}
