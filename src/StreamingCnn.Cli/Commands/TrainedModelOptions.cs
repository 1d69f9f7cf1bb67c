using System.CommandLine;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Commands;

/// <summary>A trained model that images are given to, and how it is run.</summary>
internal sealed class TrainedModelOptions
{
    private readonly Option<double?> resolution = CommonOptions.ResolutionOfFiles(
        "Default: the column mpp where a CSV file has one, otherwise as in training.");

    private readonly Option<string?> own = CommonOptions.OwnModule();
    private readonly Option<(int Height, int Width)?> tile = CommonOptions.Tile();
    private readonly Option<long?> memory = CommonOptions.Memory();
    private readonly Option<ComputeDevice> device = CommonOptions.Device();
    private readonly Option<BandChoice?> bands = CommonOptions.BandsOfModel();
    private readonly CarryOptions carry = new();

    /// <summary>The model.</summary>
    public Argument<string> Weights { get; } = new("model") { Description = "Folder of a run, or a file of weights that training wrote." };

    /// <summary>Whether processes work on each image together; for commands that have a place for it.</summary>
    public Option<bool> SplitImage { get; } = CommonOptions.SplitImage();

    /// <summary>All options but for <see cref="SplitImage"/>.</summary>
    public IEnumerable<Option> All => [bands, resolution, own, tile, memory, device, .. carry.All];

    /// <summary>Finds the device, and loads the model.</summary>
    /// <param name="command">The command, which says where it computes.</param>
    /// <param name="parsed">What was asked for.</param>
    /// <param name="job">The processes that do it together.</param>
    /// <param name="progress">Is told of tiles.</param>
    public Predictor Load(AnnouncedCommand command, ParseResult parsed, Job job, IProgress<TileProgress> progress)
    {
        var isTiled = parsed.GetValue(tile) is not null;
        var place = Placement.Of(command, parsed, device, job, parsed.GetValue(memory) is null && !isTiled);
        return Predictor.Load(parsed.GetValue(Weights)!, new()
        {
            Streaming = carry.Apply(parsed, new()
            {
                Tile = parsed.GetValue(tile),
                MemoryBudget = job.MemoryBudget(parsed.GetValue(memory), isTiled),
                Progress = progress,
                SplitOver = command.Options.Contains(SplitImage) && parsed.GetValue(SplitImage) ? job.Ranks : null,
            }),
            Device = place,
            OwnModule = parsed.GetValue(own),
            MicrometresPerPixel = parsed.GetValue(resolution),
            Bands = parsed.GetValue(bands),
        });
    }
}
